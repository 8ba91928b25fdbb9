import { type As, type FloatingIpView, inNetworksWords, type ProxiedNetwork, type SecurityGroupView } from '#cloud'
import { among } from '#store/engine'
import { requesterAs } from './api/context.ts'
import { hideTypes } from './api/crud.ts'
import type { AnyResource } from './api/resource.ts'
import { floatingIpsResource, visibleFloatingIps } from './api/resources/floating-ips.ts'
import { rules } from './api/resources/rules.ts'
import { securityGroups, visibleGroups } from './api/resources/security-groups.ts'
import type { BindingGate } from './core/binding.ts'
import { ensureDefaultGroup } from './core/security-groups.ts'
import type { Work } from './core/unit.ts'
import { PolicyNotAuthorized } from './faults.ts'
import type { Db } from './store/open.ts'
import type { FloatingIpRow, SecurityGroupRow } from './store/tables.ts'

/** Security groups and floating addresses for Nova's old routes: the same operations as the public API's. */

interface Deps {
  readonly db: Db
  readonly work: Work
  readonly gate: BindingGate
}

const groupView = ({ id, name, description, projectId }: SecurityGroupRow): SecurityGroupView => ({
  id,
  name,
  description,
  projectId,
})

const floatingIpView = (row: FloatingIpRow): FloatingIpView => {
  const { id, address, networkId, projectId, portId, fixedAddress } = row
  return { id, address, networkId, projectId, portId, fixedAddress }
}

/** What the routes of the public API do after they have read the request. */
function operations({ db, work }: Deps, resource: AnyResource) {
  const writer = (as: As, verb: string) => {
    const requester = requesterAs(as)
    if (!requester.mayWrite) throw PolicyNotAuthorized({ rule: `rule:${verb}_${resource.singular}` })
    return requester
  }
  const seen = async (as: As, id: string) => {
    const [wire] = await resource.list({ db, requester: requesterAs(as) }, { ids: [id] })
    if (wire === undefined) throw resource.missing(id)
    return wire
  }
  return {
    create: (as: As, body: Readonly<Record<string, unknown>>) =>
      inNetworksWords(async () => {
        const requester = writer(as, 'create')
        return work.run(unit => resource.create({ unit, requester }, body))
      }),
    update: (as: As, id: string, body: Readonly<Record<string, unknown>>) =>
      inNetworksWords(async () => {
        const requester = writer(as, 'update')
        const wire = await seen(as, id)
        await work.run(async unit => resource.update?.({ unit, requester }, wire, body))
      }),
    remove: (as: As, id: string) =>
      inNetworksWords(async () => {
        const requester = writer(as, 'delete')
        const wire = await seen(as, id)
        await work.run(unit => resource.remove({ unit, requester }, wire))
      }),
  }
}

const ruleColumns = [
  'id',
  'groupId',
  'direction',
  'protocol',
  'portMin',
  'portMax',
  'remoteIpPrefix',
  'remoteGroupId',
] as const

export function proxied(deps: Deps): ProxiedNetwork {
  const { db, work, gate } = deps
  const groups = operations(deps, hideTypes(securityGroups))
  const groupRules = operations(deps, hideTypes(rules))
  const addresses = operations(deps, hideTypes(floatingIpsResource(gate)))
  const group = async (as: As, id: string): Promise<SecurityGroupView> => {
    const [row] = await visibleGroups({ db, requester: requesterAs(as) }, [id])
    if (row === undefined) throw securityGroups.missing(id)
    return groupView(row)
  }
  const rule = async (id: string) =>
    db
      .selectFrom('securityGroupRules')
      .select([...ruleColumns, 'projectId'])
      .where('id', '=', id)
      .executeTakeFirst()
  return {
    async securityGroups(as, which) {
      const requester = requesterAs(as)
      if (typeof which !== 'string') {
        const { projectId } = requester
        if (projectId !== null) await work.run(unit => ensureDefaultGroup(unit, projectId))
        return (await visibleGroups({ db, requester }, which.ids)).map(groupView)
      }
      await work.run(unit => ensureDefaultGroup(unit, which))
      return (await visibleGroups({ db, requester }, undefined, which)).map(groupView)
    },
    async securityGroupRules(_as, groupIds) {
      if (groupIds.length === 0) return []
      return db
        .selectFrom('securityGroupRules')
        .select(ruleColumns)
        .where('groupId', 'in', among(groupIds))
        .orderBy('groupId')
        .orderBy('id')
        .execute()
    },
    async securityGroupRule(as, id) {
      const found = await rule(id)
      const requester = requesterAs(as)
      if (found === undefined || (!requester.isAdmin && found.projectId !== requester.projectId)) return undefined
      const { projectId: _owner, ...view } = found
      return view
    },
    createSecurityGroup: async (as, name, description) => group(as, await groups.create(as, { name, description })),
    async changeSecurityGroup(as, id, name, description) {
      await groups.update(as, id, { name, description })
      return group(as, id)
    },
    deleteSecurityGroup: (as, id) => groups.remove(as, id),
    async createSecurityGroupRule(as, request) {
      const id = await groupRules.create(as, {
        direction: 'ingress',
        ethertype: request.ethertype,
        security_group_id: request.groupId,
        protocol: request.protocol,
        port_range_min: request.portMin,
        port_range_max: request.portMax,
        remote_ip_prefix: request.remoteIpPrefix,
        remote_group_id: request.remoteGroupId,
      })
      const made = await rule(id)
      if (made === undefined) throw rules.missing(id)
      const { projectId: _owner, ...view } = made
      return view
    },
    deleteSecurityGroupRule: (as, id) => groupRules.remove(as, id),
    async floatingIps(as, { ids, addresses: wanted, projectId }) {
      const reading = { db, requester: requesterAs(as) }
      const rows = await visibleFloatingIps(reading, ids === undefined ? {} : { ids })
      return rows
        .filter(row => wanted?.includes(row.address) ?? true)
        .filter(row => projectId === undefined || row.projectId === projectId)
        .map(floatingIpView)
    },
    async createFloatingIp(as, networkId) {
      const id = await addresses.create(as, { floating_network_id: networkId })
      const [row] = await visibleFloatingIps({ db, requester: requesterAs(as) }, { ids: [id] })
      if (row === undefined) throw floatingIpsResource(gate).missing(id)
      return floatingIpView(row)
    },
    changeFloatingIp: (as, id, to) =>
      addresses.update(
        as,
        id,
        to === null ? { port_id: null } : { port_id: to.portId, fixed_ip_address: to.fixedAddress },
      ),
    deleteFloatingIp: (as, id) => addresses.remove(as, id),
  }
}
