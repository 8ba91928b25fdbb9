import { anything, list, obj, operation, query, reply, resource, since, str } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { addGroup, removeGroup } from './change.ts'

const group = obj({ id: str, name: str, description: str.nullable(), tenant_id: str, rules: list(anything) })

/** The groups on the ports of a server. Their rules are the network's business; #cloud does not tell them yet. */
const index = operation<ApiDeps, { id: string }>()({
  policy: 'os_compute_api:os-security-groups:list',
  query: query({}, { strict: since('2.102') }),
  reply: reply('security_groups', list(group)),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const ports = await deps.network.ports(caller, { deviceId: instance.id })
    const groups = await deps.network.securityGroups(caller, instance.projectId)
    const byId = new Map(groups.map(group => [group.id, group]))
    // A group on two ports is told twice, as in Nova.
    const found = ports.flatMap(port => port.securityGroupIds.flatMap(id => byId.get(id) ?? []))
    return found
      .map(({ id, name, projectId }) => ({ id, name, description: '', tenant_id: projectId, rules: [] }))
      .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
  },
})

export const serverSecurityGroups = resource('/servers/{id}', {
  'GET /os-security-groups': index,
  'POST /action addSecurityGroup': addGroup,
  'POST /action removeSecurityGroup': removeGroup,
})
