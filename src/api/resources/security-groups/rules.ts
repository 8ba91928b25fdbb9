import { anything, bare, obj, operation, reply, resource, text, until } from '#api/kit'
import type { Caller, SecurityGroupRuleRequest } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { RuleExists, RuleUnknown } from './faults.ts'
import { findGroup, mustBeId } from './find.ts'
import { type LegacyRule, legacyRule, ruleShape, ruleView } from './legacy.ts'
import { readRule } from './rule-words.ts'

const op = operation<ApiDeps>()
const exists = until('2.36')
const rule = 'os_compute_api:os-security-groups:rule'
const uuid = text({ format: 'uuid' })

const open = { rest: 'any' } as const
const ruleBody = bare(
  obj(
    {
      security_group_rule: obj(
        {
          parent_group_id: uuid,
          group_id: uuid.nullable().optional(),
          ip_protocol: anything.optional(),
          from_port: anything.optional(),
          to_port: anything.optional(),
          cidr: anything.optional(),
        },
        open,
      ),
    },
    open,
  ),
)

const all = -1

/** The network counts no ports where the old form says -1. */
const ruleRequest = (groupId: string, wish: LegacyRule): SecurityGroupRuleRequest => ({
  groupId,
  ethertype: wish.cidr.includes(':') ? 'IPv6' : 'IPv4',
  protocol: wish.protocol,
  portMin: wish.fromPort === all ? null : wish.fromPort,
  portMax: wish.toPort === all ? null : wish.toPort,
  remoteIpPrefix: wish.groupId === null ? wish.cidr : null,
  remoteGroupId: wish.groupId,
})

const isSame = (a: LegacyRule, b: LegacyRule): boolean =>
  a.protocol === b.protocol &&
  a.fromPort === b.fromPort &&
  a.toPort === b.toPort &&
  a.groupId === b.groupId &&
  a.cidr === b.cidr

async function mustBeNew(deps: ApiDeps, caller: Caller, groupId: string, wish: LegacyRule): Promise<void> {
  const rules = await deps.network.securityGroupRules(caller, [groupId])
  const incoming = rules.filter(item => item.direction === 'ingress')
  if (incoming.some(item => isSame(legacyRule(item), wish))) throw RuleExists({ id: groupId })
}

/** Rules for incoming traffic, by proxy. */
export const securityGroupRules = resource('/os-security-group-rules', {
  'POST /': op({
    exists,
    policy: `${rule}:create`,
    body: ruleBody,
    reply: reply('security_group_rule', ruleShape),
    faults: {
      SecurityGroupNotFound: 404,
      SecurityGroupIdMalformed: 400,
      SecurityGroupRuleIncomplete: 400,
      SecurityGroupRuleExists: 400,
      SecurityGroupBadPrefix: 400,
      InvalidCidr: 400,
      InvalidInput: 400,
      InvalidIpProtocol: 400,
      InvalidPortRange: 400,
      NetworkBadRequest: 400,
      NetworkForbidden: 403,
      NetworkMissing: 404,
      NetworkConflict: 403,
      NetworkOverQuota: 403,
    },
    async handle({ body: { security_group_rule: body }, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const parent = await findGroup(deps, caller, body.parent_group_id)
      const source = (body.group_id ?? null) === null ? undefined : await findGroup(deps, caller, body.group_id)
      const wish = readRule(body, source?.id ?? null)
      await mustBeNew(deps, caller, parent.id, wish)
      const made = await deps.network.createSecurityGroupRule(caller, ruleRequest(parent.id, wish))
      const view = ruleView(made, new Map(source === undefined ? [] : [[source.id, source]]))
      if (view === undefined) throw RuleUnknown({ id: made.id })
      return view
    },
  }),

  'DELETE /{id}': op({
    exists,
    status: 202,
    policy: `${rule}:delete`,
    faults: {
      SecurityGroupRuleNotFound: 404,
      SecurityGroupIdMalformed: 400,
      SecurityGroupNotFound: 404,
      NetworkBadRequest: 400,
      NetworkForbidden: 403,
      NetworkMissing: 404,
      NetworkConflict: 409,
    },
    async handle({ path, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const id = mustBeId(path.id)
      const found = await deps.network.securityGroupRule(caller, id)
      if (found === undefined) throw RuleUnknown({ id })
      await findGroup(deps, caller, found.groupId)
      await deps.network.deleteSecurityGroupRule(caller, id)
    },
  }),
})
