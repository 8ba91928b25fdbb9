import { bare, list, nonNegative, obj, operation, query, reply, resource, str, text, until } from '#api/kit'
import type { Caller, SecurityGroupView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin } from '../servers/find.ts'
import { GroupUnknown } from './faults.ts'
import { findGroup } from './find.ts'
import { byOwnerAndName, groupShape, groupViews } from './legacy.ts'

export { securityGroupRules } from './rules.ts'

const op = operation<ApiDeps>()
const exists = until('2.36')
const rule = 'os_compute_api:os-security-groups'
/** Old clients may send more; nobody looks at it. */
const open = { rest: 'any' } as const
const body = bare(
  obj(
    { security_group: obj({ name: text({ min: 0, max: 255 }), description: text({ min: 0, max: 255 }) }, open) },
    open,
  ),
)

async function only(deps: ApiDeps, caller: Caller, group: SecurityGroupView) {
  const [view] = await groupViews(deps, caller, [group])
  if (view === undefined) throw GroupUnknown({ id: group.id })
  return view
}

const missing = { SecurityGroupNotFound: 404, SecurityGroupIdMalformed: 400 } as const
const refused = { NetworkBadRequest: 400, NetworkForbidden: 403, NetworkMissing: 404 } as const

/** The project's security groups, by proxy. */
export const securityGroups = resource('/os-security-groups', {
  'GET /': op({
    exists,
    policy: `${rule}:get`,
    query: query({
      limit: nonNegative.optional(),
      offset: nonNegative.optional(),
      all_tenants: str.optional(),
    }),
    reply: reply('security_groups', list(obj(groupShape))),
    async handle({ query: { all_tenants, limit, offset = 0 }, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const which = all_tenants !== undefined && isAdmin(caller) ? {} : (caller.projectId ?? '')
      const groups = await deps.network.securityGroups(caller, which)
      const size = Math.min(limit || deps.settings.maxLimit, deps.settings.maxLimit)
      return (await groupViews(deps, caller, groups.slice(offset, offset + size))).sort(byOwnerAndName)
    },
  }),

  'POST /': op({
    exists,
    policy: `${rule}:create`,
    body,
    reply: reply('security_group', groupShape),
    // Too many of them, or one too many of that name: Nova has one answer for both.
    faults: { ...refused, NetworkConflict: 403, NetworkOverQuota: 403 },
    async handle({ body: { security_group }, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const { name, description } = security_group
      return only(deps, caller, await deps.network.createSecurityGroup(caller, name, description))
    },
  }),

  'GET /{id}': op({
    exists,
    policy: `${rule}:show`,
    reply: reply('security_group', groupShape),
    faults: missing,
    async handle({ path, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      return only(deps, caller, await findGroup(deps, caller, path.id))
    },
  }),

  'PUT /{id}': op({
    exists,
    policy: `${rule}:update`,
    body,
    reply: reply('security_group', groupShape),
    faults: { ...missing, ...refused, NetworkConflict: 400 },
    async handle({ path, body: { security_group }, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const { id } = await findGroup(deps, caller, path.id)
      const { name, description } = security_group
      return only(deps, caller, await deps.network.changeSecurityGroup(caller, id, name, description))
    },
  }),

  'DELETE /{id}': op({
    exists,
    status: 202,
    policy: `${rule}:delete`,
    faults: { ...missing, ...refused, NetworkConflict: 400 },
    async handle({ path, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const { id } = await findGroup(deps, caller, path.id)
      await deps.network.deleteSecurityGroup(caller, id)
    },
  }),
})
