import type { Json } from '#base'
import { type BindingGate, gatewayOwner, vnicTypes } from '../../core/binding.ts'
import { touchServerOf } from '../../core/floating-release.ts'
import { networkById } from '../../core/networks.ts'
import { createPort, deletePort, type PortChange, portById, updatePort } from '../../core/ports.ts'
import { mayChangePolicy, networksOf, type PortPromises, portPromises } from '../../core/qos.ts'
import { interfaceOwner } from '../../core/routers.ts'
import { BadRequest, NetworkNotFound, PolicyNotAuthorized, PortNotFound, PortNotUsableAsService } from '../../faults.ts'
import type { NetworkRow, PortRow } from '../../store/tables.ts'
import {
  address,
  attribute,
  dictionary,
  listOf,
  mac,
  oneOf,
  orNull,
  readOnly,
  record,
  text,
  truth,
  uuid,
  type Values,
} from '../attributes.ts'
import { ownerOf, type Reading, type Requester } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, jsonOf, named, ownerWire, stampWire, tagsOf } from '../shared.ts'
import { checkPolicy } from './networks.ts'

const adminOnly = { isAdminGiven: true, isAdminSeen: true } as const

const attributes = {
  ...named,
  network_id: attribute(uuid, { put: false, isRequired: true }),
  mac_address: attribute(mac),
  admin_state_up: attribute(truth),
  device_id: attribute(text(255)),
  device_owner: attribute(text(255)),
  fixed_ips: attribute(listOf(record({ subnet_id: uuid, ip_address: address }))),
  security_groups: attribute(orNull(listOf(uuid))),
  port_security_enabled: attribute(truth),
  'binding:host_id': attribute(orNull(text(255)), adminOnly),
  'binding:vnic_type': attribute(oneOf(...vnicTypes)),
  'binding:profile': attribute(orNull(dictionary), adminOnly),
  'binding:vif_type': readOnly({ isAdminSeen: true }),
  'binding:vif_details': readOnly({ isAdminSeen: true }),
  status: readOnly(),
  qos_policy_id: attribute(orNull(uuid)),
  qos_network_policy_id: readOnly(),
  resource_request: readOnly({ isAdminSeen: true }),
} as const

type PortValues = Values<typeof attributes>

/** A port is seen by its project and by the owner of its network. */
export async function visiblePorts({ db, requester }: Reading, narrow: Narrow): Promise<readonly PortRow[]> {
  const read = (column: 'id' | 'networkId' | 'deviceId', part?: readonly string[]) => {
    let query = db.selectFrom('ports').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where(column, 'in', part)
    if (!requester.isAdmin) {
      const projectId = requester.projectId ?? ''
      query = query.where(eb =>
        eb.or([
          eb('projectId', '=', projectId),
          eb('networkId', 'in', db.selectFrom('networks').select('id').where('projectId', '=', projectId)),
        ]),
      )
    }
    return query.execute()
  }
  if (narrow.ids !== undefined) return inSlices(narrow.ids, part => read('id', part))
  if (narrow.deviceIds !== undefined) return inSlices(narrow.deviceIds, part => read('deviceId', part))
  if (narrow.networkIds !== undefined) return inSlices(narrow.networkIds, part => read('networkId', part))
  return read('id')
}

const requestWire = (promises: PortPromises | undefined): Json =>
  promises === undefined
    ? null
    : {
        request_groups: promises.groups.map(({ id, resources, required }) => ({
          id,
          resources: { ...resources },
          required: [...required],
        })),
        same_subtree: promises.groups.map(({ id }) => id),
      }

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const { db } = reading
  const rows = await visiblePorts(reading, narrow)
  const ids = rows.map(row => row.id)
  const tags = await tagsOf(db, ids)
  const ips = await inSlices(ids, part =>
    db.selectFrom('fixedIps').selectAll().where('portId', 'in', part).orderBy('position').execute(),
  )
  const groups = await inSlices(ids, part =>
    db.selectFrom('portSecurityGroups').selectAll().where('portId', 'in', part).execute(),
  )
  const networks = await networksOf(db, rows)
  const promises = await portPromises(db, rows, networks)
  const ipsOf = Map.groupBy(ips, ip => ip.portId)
  const groupsOf = Map.groupBy(groups, group => group.portId)
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    network_id: row.networkId,
    ...ownerWire(row.projectId),
    mac_address: row.mac,
    admin_state_up: row.isUp === 1,
    status: row.status,
    device_id: row.deviceId,
    device_owner: row.deviceOwner,
    fixed_ips: (ipsOf.get(row.id) ?? []).map(ip => ({ subnet_id: ip.subnetId, ip_address: ip.address })) as Json,
    security_groups: (groupsOf.get(row.id) ?? []).map(group => group.groupId),
    port_security_enabled: row.portSecurity === 1,
    'binding:host_id': row.bindingHost,
    'binding:vnic_type': row.vnicType,
    'binding:profile': jsonOf(row.profile),
    'binding:vif_type': row.vifType,
    'binding:vif_details': jsonOf(row.vifDetails),
    qos_policy_id: row.qosPolicyId,
    qos_network_policy_id: networks.get(row.networkId)?.qosPolicyId ?? null,
    resource_request: requestWire(promises.get(row.id)),
    description: row.description,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

const given = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }

function changesOf(values: PortValues): PortChange {
  const host = values['binding:host_id']
  const profile = values['binding:profile']
  const groups = values.security_groups
  const ips = values.fixed_ips?.map(ip => ({ ...given('subnetId', ip.subnet_id), ...given('address', ip.ip_address) }))
  return {
    ...given('name', values.name),
    ...given('description', values.description),
    ...given('mac', values.mac_address),
    ...given('isUp', values.admin_state_up),
    ...given('deviceId', values.device_id),
    ...given('deviceOwner', values.device_owner),
    ...given('hasPortSecurity', values.port_security_enabled),
    ...given('vnicType', values['binding:vnic_type']),
    ...given('bindingHost', host === null ? '' : host),
    ...given('profile', profile === null ? {} : profile),
    ...given('groupIds', groups === null ? [] : groups),
    ...given('fixedIps', ips),
    ...given('qosPolicyId', values.qos_policy_id),
  }
}

/** On somebody else's shared network one may have a port, but not choose what the owner's order depends on. */
function checkOnNetwork(
  requester: Requester,
  network: NetworkRow,
  verb: 'create' | 'update',
  values: PortValues,
): void {
  if (requester.isAdmin || network.projectId === requester.projectId) return
  const refuse = (what: string) => PolicyNotAuthorized({ rule: `(rule:${verb}_port and rule:${verb}_port:${what})` })
  if (values.mac_address !== undefined) throw refuse('mac_address')
  if (values.port_security_enabled !== undefined) throw refuse('port_security_enabled')
  if (values.fixed_ips?.some(ip => ip.ip_address !== undefined) === true) throw refuse('fixed_ips')
  if (values.device_owner?.startsWith('network:') === true) throw refuse('device_owner')
}

async function networkFor(requester: Requester, network: NetworkRow | undefined, id: string): Promise<NetworkRow> {
  const isSeen =
    network !== undefined &&
    (requester.isAdmin ||
      network.projectId === requester.projectId ||
      network.isShared === 1 ||
      network.isExternal === 1)
  if (!isSeen) throw NetworkNotFound({ id })
  const isOwner = requester.isAdmin || network.projectId === requester.projectId
  if (!isOwner && network.isShared === 0) throw PolicyNotAuthorized({ rule: 'rule:create_port' })
  return network
}

const maxFixedIps = 5

/** These go with the router or floating address they belong to. */
const serviceOwners: ReadonlySet<string> = new Set([interfaceOwner, gatewayOwner, 'network:floatingip'])

export const portsResource = (gate: BindingGate): Resource<typeof attributes> => ({
  singular: 'port',
  plural: 'ports',
  path: 'ports',
  attributes,
  list,
  missing: id => PortNotFound({ id }),
  async create({ unit, requester }, values) {
    const id = values.network_id ?? ''
    const network = await networkFor(requester, await networkById(unit.db, id), id)
    checkOnNetwork(requester, network, 'create', values)
    if ((values.fixed_ips?.length ?? 0) > maxFixedIps)
      throw BadRequest({ reason: `Exceeded maximum amount of fixed ips per port: ${maxFixedIps}.` })
    await checkPolicy(unit, requester, values)
    const row = await createPort(unit, gate, network.id, {
      projectId: ownerOf(requester, values),
      name: '',
      description: '',
      mac: undefined,
      isUp: true,
      deviceId: '',
      deviceOwner: '',
      fixedIps: undefined,
      groupIds: undefined,
      hasPortSecurity: undefined,
      bindingHost: '',
      vnicType: 'normal',
      profile: {},
      dnsName: '',
      ...changesOf(values),
    })
    return row.id
  },
  async update({ unit, requester }, seen, values) {
    const row = await portById(unit.db, seen.id)
    const network = row === undefined ? undefined : await networkById(unit.db, row.networkId)
    if (row === undefined || network === undefined) throw PortNotFound({ id: seen.id })
    checkOnNetwork(requester, network, 'update', values)
    if (values.mac_address !== undefined && !requester.isAdmin) {
      throw PolicyNotAuthorized({ rule: '(rule:update_port and rule:update_port:mac_address)' })
    }
    await checkPolicy(unit, requester, values)
    if (values.qos_policy_id !== undefined) await mayChangePolicy(unit, row, values.qos_policy_id)
    await updatePort(unit, gate, row, changesOf(values))
    await touchServerOf(unit, row.id)
  },
  async remove({ unit }, seen) {
    const owner = String(seen.device_owner)
    if (serviceOwners.has(owner)) throw PortNotUsableAsService({ id: seen.id, owner })
    await touchServerOf(unit, seen.id)
    await deletePort(unit, seen.id)
  },
})
