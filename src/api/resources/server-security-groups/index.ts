import { int, list, obj, operation, query, reply, resource, since, str } from '#api/kit'
import type { SecurityGroupRuleView, SecurityGroupView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { addGroup, removeGroup } from './change.ts'

const rule = obj({
  id: str,
  parent_group_id: str,
  ip_protocol: str.nullable(),
  from_port: int.nullable(),
  to_port: int.nullable(),
  group: obj({ name: str.optional(), tenant_id: str.optional() }),
  ip_range: obj({ cidr: str.optional() }),
})
const group = obj({ id: str, name: str, description: str.nullable(), tenant_id: str, rules: list(rule) })

/** Without ports every type and port is meant; Nova's old form writes that as -1. */
const portOf = (rule: SecurityGroupRuleView, port: number | null): number | null =>
  port ?? (rule.protocol === null ? null : -1)

/** A rule in the words of Nova's own old firewall, which knew incoming traffic only. */
function ruleView(rule: SecurityGroupRuleView, groups: ReadonlyMap<string, SecurityGroupView>) {
  const remote = rule.remoteGroupId === null ? undefined : groups.get(rule.remoteGroupId)
  const from = rule.remoteIpPrefix ?? (rule.remoteGroupId === null ? '0.0.0.0/0' : undefined)
  return {
    id: rule.id,
    parent_group_id: rule.groupId,
    ip_protocol: rule.protocol,
    from_port: portOf(rule, rule.portMin),
    to_port: portOf(rule, rule.portMax),
    group: remote === undefined ? {} : { name: remote.name, tenant_id: remote.projectId },
    ip_range: from === undefined ? {} : { cidr: from },
  }
}

/** The groups on the ports of a server, with their rules for incoming traffic. */
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
    const rules = await deps.network.securityGroupRules(caller, [...new Set(found.map(g => g.id))])
    const incoming = rules.filter(r => r.direction === 'ingress')
    return found
      .map(({ id, name, description, projectId }) => ({
        id,
        name,
        description,
        tenant_id: projectId,
        rules: incoming.filter(r => r.groupId === id).map(r => ruleView(r, byId)),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
  },
})

export const serverSecurityGroups = resource('/servers/{id}', {
  'GET /os-security-groups': index,
  'POST /action addSecurityGroup': addGroup,
  'POST /action removeSecurityGroup': removeGroup,
})
