import type { Fault } from '#base'
import {
  type As,
  FixedIpInUse,
  NetworkNotFound,
  type NetworkPort,
  NoMoreFixedIps,
  type PortChange as PortChangeView,
  PortInUseByOther,
  PortNotFound,
  PortQuotaExceeded,
  type PortRequest,
  SecurityGroupNotFound,
} from '#cloud'
import { requesterAs as requester } from './api/context.ts'
import { visibleNetworks } from './api/resources/networks.ts'
import { visiblePorts } from './api/resources/ports.ts'
import { visibleSubnets } from './api/resources/subnets.ts'
import { inSlices } from './api/shared.ts'
import { autoTopology } from './auto-topology.ts'
import type { AddressRequest } from './core/allocate.ts'
import type { BindingGate } from './core/binding.ts'
import { createPort, deletePort, type PortChange, portById, updatePort } from './core/ports.ts'
import { quotasOf, usedOf } from './core/quotas.ts'
import type { Work } from './core/unit.ts'
import * as neutron from './faults.ts'
import type { Plumber } from './plumbing/plumber.ts'
import { proxied } from './proxied.ts'
import type { Db } from './store/open.ts'
import type { PortRow } from './store/tables.ts'
import { targetBindings } from './target-bindings.ts'
import { networkViews, portViews, subnetViews } from './views.ts'

/** Neutron's refusals in the words Nova has for them. */
async function inNovasWords<T>(networkId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translate(networkId, error)
  }
}

function translate(networkId: string, error: unknown): unknown {
  const param = (fault: Fault, name: string) => String(fault.params[name] ?? '')
  if (neutron.IpAddressGenerationFailure.is(error)) return NoMoreFixedIps({ id: networkId }, { cause: error })
  if (neutron.OverQuota.is(error)) return PortQuotaExceeded({}, { cause: error })
  if (neutron.NetworkNotFound.is(error)) return NetworkNotFound({ id: param(error, 'id') }, { cause: error })
  if (neutron.PortNotFound.is(error)) return PortNotFound({ id: param(error, 'id') }, { cause: error })
  if (neutron.SecurityGroupNotFound.is(error))
    return SecurityGroupNotFound({ id: param(error, 'id') }, { cause: error })
  return error
}

export interface AdapterDeps {
  readonly db: Db
  readonly work: Work
  readonly gate: BindingGate
  readonly plumber: Plumber | undefined
}

/** Names the instance that holds an address, as Nova's refusal does. */
async function holderOf(db: Db, networkId: string, address: string): Promise<string> {
  const row = await db
    .selectFrom('fixedIps')
    .innerJoin('ports', 'ports.id', 'fixedIps.portId')
    .select('ports.deviceId')
    .where('fixedIps.networkId', '=', networkId)
    .where('fixedIps.address', '=', address)
    .executeTakeFirst()
  return row?.deviceId ?? networkId
}

async function create({ db, work, gate }: AdapterDeps, request: PortRequest) {
  try {
    return await inNovasWords(request.networkId, () =>
      work.run(unit =>
        createPort(unit, gate, request.networkId, {
          projectId: request.projectId,
          name: '',
          description: '',
          mac: request.macAddress,
          isUp: true,
          deviceId: request.deviceId,
          deviceOwner: request.deviceOwner,
          fixedIps: request.fixedIps?.map(ip => ({ address: ip.ipAddress })),
          groupIds: request.securityGroupIds,
          hasPortSecurity: undefined,
          bindingHost: request.bindingHost ?? '',
          vnicType: 'normal',
          profile: {},
          dnsName: request.hostname ?? '',
        }),
      ),
    )
  } catch (error) {
    if (!neutron.IpAddressAlreadyAllocated.is(error)) throw error
    const address = String(error.params.address)
    throw FixedIpInUse({ address, id: await holderOf(db, request.networkId, address) }, { cause: error })
  }
}

const addressRequest = ({ subnetId, ipAddress }: { subnetId: string; ipAddress?: string }): AddressRequest => ({
  subnetId,
  ...(ipAddress === undefined ? {} : { address: ipAddress }),
})

const changeOf = (change: PortChangeView): PortChange => {
  const { deviceId, deviceOwner, bindingHost, securityGroupIds, hostname, profile, fixedIps } = change
  return {
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(deviceOwner === undefined ? {} : { deviceOwner }),
    ...(bindingHost === undefined ? {} : { bindingHost }),
    ...(securityGroupIds === undefined ? {} : { groupIds: securityGroupIds }),
    ...(hostname === undefined ? {} : { dnsName: hostname }),
    ...(profile === undefined ? {} : { profile }),
    ...(fixedIps === undefined ? {} : { fixedIps: fixedIps.map(addressRequest) }),
  }
}

async function update({ work, gate }: AdapterDeps, id: string, change: PortChangeView) {
  return work.run(async unit => {
    const row = await portById(unit.db, id)
    if (row === undefined) throw PortNotFound({ id })
    // Whoever comes first has the port: the check and the change are one transaction.
    const isTaken =
      row.deviceId !== '' && change.deviceId !== undefined && change.deviceId !== '' && change.deviceId !== row.deviceId
    if (isTaken) throw PortInUseByOther({ id })
    return inNovasWords(row.networkId, () => updatePort(unit, gate, row, changeOf(change)))
  })
}

/** The built-in network as Nova's sagas and handlers see it, in process. */
export function createPortAdapter(deps: AdapterDeps): NetworkPort {
  const { db, work } = deps
  const seenPort = async (as: As, id: string) => {
    const [row] = await visiblePorts({ db, requester: requester(as) }, { ids: [id] })
    if (row === undefined) throw PortNotFound({ id })
    return row
  }
  const viewOf = async (row: PortRow) => {
    const [view] = await portViews(db, [row])
    if (view === undefined) throw PortNotFound({ id: row.id })
    return view
  }
  return {
    async networks(as, filter) {
      const rows = await visibleNetworks({ db, requester: requester(as) }, filter.ids)
      const { names, isExternal } = filter
      const named = names === undefined ? rows : rows.filter(row => names.includes(row.name))
      return networkViews(
        db,
        isExternal === undefined ? named : named.filter(row => row.isExternal === Number(isExternal)),
        requester(as).isAdmin,
      )
    },
    async availableNetworks(as, projectId) {
      const rows = await visibleNetworks({ db, requester: requester(as) })
      const own = rows.filter(row => row.projectId === projectId && row.isShared === 0 && row.isExternal === 0)
      return networkViews(db, own.length > 0 ? own : rows.filter(row => row.isShared === 1 && row.isExternal === 0))
    },
    async automaticNetwork(_as, projectId) {
      try {
        return await autoTopology(deps, projectId)
      } catch (error) {
        if (neutron.AutoAllocationFailure.is(error)) return undefined
        throw error
      }
    },
    async subnets(_as, ids) {
      const rows = await inSlices(ids, part => db.selectFrom('subnets').selectAll().where('id', 'in', part).execute())
      return subnetViews(db, rows)
    },
    async subnetsOfNetwork(as, networkId) {
      const reading = { db, requester: requester(as) }
      return subnetViews(db, await visibleSubnets(reading, { networkIds: [networkId] }))
    },
    async ports(as, { ids, deviceId, networkId }) {
      const narrow = {
        ...(ids === undefined ? {} : { ids }),
        ...(deviceId === undefined ? {} : { deviceIds: [deviceId] }),
        ...(networkId === undefined ? {} : { networkIds: [networkId] }),
      }
      const rows = await visiblePorts({ db, requester: requester(as) }, narrow)
      return portViews(
        db,
        rows.filter(
          row =>
            (deviceId === undefined || row.deviceId === deviceId) &&
            (networkId === undefined || row.networkId === networkId),
        ),
      )
    },
    async createPort(as, request) {
      const [network] = await visibleNetworks({ db, requester: requester(as) }, [request.networkId])
      if (network === undefined) throw NetworkNotFound({ id: request.networkId })
      return viewOf(await create(deps, request))
    },
    async updatePort(as, id, change) {
      await seenPort(as, id)
      return viewOf(await update(deps, id, change))
    },
    async deletePort(as, id) {
      const [row] = await visiblePorts({ db, requester: requester(as) }, { ids: [id] })
      if (row === undefined) return
      await work
        .run(unit => deletePort(unit, id))
        .catch((error: unknown) => {
          if (!neutron.PortNotFound.is(error)) throw error
        })
    },
    ...proxied(deps),
    ...targetBindings(deps),
    async portQuotaLeft(_as, projectId) {
      const limit = (await quotasOf(db, projectId)).port
      return limit < 0 ? undefined : Math.max(0, limit - (await usedOf(db, projectId, 'port')))
    },
  }
}
