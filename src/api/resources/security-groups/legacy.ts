import { int, list, obj, str } from '#api/kit'
import type { Caller, SecurityGroupRuleView, SecurityGroupView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'

/** Groups and rules in the words of Nova's own old firewall, which knew incoming traffic only. */

export const ruleShape = {
  id: str,
  parent_group_id: str,
  ip_protocol: str.nullable(),
  from_port: int.nullable(),
  to_port: int.nullable(),
  group: obj({ name: str.optional(), tenant_id: str.optional() }),
  ip_range: obj({ cidr: str.optional() }),
}
export const groupShape = {
  id: str,
  name: str,
  description: str.nullable(),
  tenant_id: str,
  rules: list(obj(ruleShape)),
}

export interface LegacyRule {
  readonly protocol: string | null
  readonly fromPort: number | null
  readonly toPort: number | null
  readonly groupId: string | null
  readonly cidr: string
}

/** A protocol without ports means all of them, which the old form writes out. */
function portsOf({ protocol, portMin, portMax }: SecurityGroupRuleView): Pick<LegacyRule, 'fromPort' | 'toPort'> {
  if (protocol === null || portMin !== null || portMax !== null) return { fromPort: portMin, toPort: portMax }
  return /^(tcp|udp)$/i.test(protocol) ? { fromPort: 1, toPort: 65_535 } : { fromPort: -1, toPort: -1 }
}

export const legacyRule = (rule: SecurityGroupRuleView): LegacyRule => ({
  protocol: rule.protocol,
  ...portsOf(rule),
  groupId: rule.remoteGroupId,
  cidr: rule.remoteIpPrefix ?? '0.0.0.0/0',
})

type Groups = ReadonlyMap<string, SecurityGroupView>

/** Undefined: the group that the rule names is gone, or not the caller's to see. */
export function ruleView(rule: SecurityGroupRuleView, groups: Groups) {
  const { protocol, fromPort, toPort, groupId, cidr } = legacyRule(rule)
  const remote = groupId === null ? undefined : groups.get(groupId)
  if (groupId !== null && remote === undefined) return undefined
  return {
    id: rule.id,
    parent_group_id: rule.groupId,
    ip_protocol: protocol,
    from_port: fromPort,
    to_port: toPort,
    group: remote === undefined ? {} : { name: remote.name, tenant_id: remote.projectId },
    ip_range: remote === undefined ? { cidr } : {},
  }
}

/** The rules for incoming traffic of these groups, and every group that they name: at most two calls. */
async function rulesAndGroups(deps: ApiDeps, caller: Caller, groups: readonly SecurityGroupView[]) {
  const known = new Map(groups.map(group => [group.id, group]))
  const all = await deps.network.securityGroupRules(caller, [...known.keys()])
  const rules = all.filter(rule => rule.direction === 'ingress')
  const named = new Set(rules.flatMap(rule => rule.remoteGroupId ?? []).filter(id => !known.has(id)))
  const others = named.size === 0 ? [] : await deps.network.securityGroups(caller, { ids: [...named] })
  for (const group of others) known.set(group.id, group)
  return { rules: Map.groupBy(rules, rule => rule.groupId), known }
}

/** One view for each of `groups`, in their order; the same group may stand there twice. */
export async function groupViews(deps: ApiDeps, caller: Caller, groups: readonly SecurityGroupView[]) {
  const { rules, known } = await rulesAndGroups(deps, caller, groups)
  return groups.map(({ id, name, description, projectId }) => ({
    id,
    name,
    description,
    tenant_id: projectId,
    rules: (rules.get(id) ?? []).flatMap(rule => ruleView(rule, known) ?? []),
  }))
}

export const byOwnerAndName = (a: { tenant_id: string; name: string }, b: { tenant_id: string; name: string }) => {
  const order = (x: string, y: string) => (x < y ? -1 : Number(x > y))
  return order(a.tenant_id, b.tenant_id) || order(a.name, b.name)
}
