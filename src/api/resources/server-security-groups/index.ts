import { list, obj, operation, query, reply, resource, since } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { byOwnerAndName, groupShape, groupViews } from '../security-groups/legacy.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { addGroup, removeGroup } from './change.ts'

/** The groups on the ports of a server, with their rules for incoming traffic. */
const index = operation<ApiDeps, { id: string }>()({
  policy: 'os_compute_api:os-security-groups:list',
  query: query({}, { strict: since('2.102') }),
  reply: reply('security_groups', list(obj(groupShape))),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const ports = await deps.network.ports(caller, { deviceId: instance.id })
    const ids = [...new Set(ports.flatMap(port => port.securityGroupIds))]
    const groups = ids.length === 0 ? [] : await deps.network.securityGroups(caller, { ids })
    const byId = new Map(groups.map(group => [group.id, group]))
    // A group on two ports is told twice, as in Nova.
    const found = ports.flatMap(port => port.securityGroupIds.flatMap(id => byId.get(id) ?? []))
    return (await groupViews(deps, caller, found)).sort(byOwnerAndName)
  },
})

export const serverSecurityGroups = resource('/servers/{id}', {
  'GET /os-security-groups': index,
  'POST /action addSecurityGroup': addGroup,
  'POST /action removeSecurityGroup': removeGroup,
})
