import { list, nonNegative, obj, operation, query, reply, resource, since, str } from '#api/kit'
import { newUuid } from '#base'
import { type ServerGroup, ServerGroupNotFound } from '#model'
import { type Store, turnOf } from '#store'
import { gathered, severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin } from '../servers/find.ts'
import { RulesNotSupported, ServerGroupLimitExceeded } from './faults.ts'
import { group, groupBody, groupView } from './shape.ts'

const op = operation<ApiDeps>()
const policy = (action: string): string => `os_compute_api:os-server-groups:${action}`
const notFound = { InstanceGroupNotFound: 404 } as const

async function get(deps: ApiDeps, id: string): Promise<ServerGroup> {
  const found = await deps.store.serverGroups.find(id)
  if (found === undefined) throw ServerGroupNotFound({ id })
  return found
}

/** Of those that no cell has told of: members in cells that are away, or on their way to one. */
async function mappedAlive(deps: ApiDeps, members: readonly string[], places: readonly { readonly id: string }[]) {
  if ((await severalCells(deps)) === undefined) return []
  const known = new Set(places.map(({ id }) => id))
  const mappings = await deps.store.instanceMappings.ofMany(members.filter(id => !known.has(id)))
  return mappings.filter(({ isDeleted }) => !isDeleted).map(({ instanceId }) => instanceId)
}

/** Views of groups, with one look at all their members. */
async function viewed(deps: ApiDeps, groups: readonly ServerGroup[]) {
  const members = groups.flatMap(g => g.members)
  const places = (await gathered(deps, ({ store }) => store.instances.placesOf(members))).flat()
  const living = new Set([...places.map(place => place.id), ...(await mappedAlive(deps, members, places))])
  return groups.map(g => groupView(g, living))
}

/** In the transaction that writes the group, so that the count is exact. */
async function mustHaveRoom(tx: Store, deps: ApiDeps, projectId: string, userId: string): Promise<void> {
  const name = 'server_groups'
  const limit = (await deps.quotas.prepared(tx, projectId))[name] ?? -1
  const own = (await tx.quotas.ofUser(projectId, userId))[name] ?? -1
  const isOver = async (limit: number, user?: string) =>
    limit >= 0 && (await tx.serverGroups.count(projectId, user)) >= limit
  if ((await isOver(limit)) || (await isOver(own, userId))) throw ServerGroupLimitExceeded({})
}

const one = reply('server_group', group)

/** Groups of servers with a policy about where they are. */
export const serverGroups = resource('/os-server-groups', {
  'GET /': op({
    policy: policy('index'),
    alsoPolicies: [policy('index:all_projects')],
    query: query(
      { all_projects: str.optional(), limit: nonNegative.optional(), offset: nonNegative.optional() },
      { strict: since('2.75') },
    ),
    reply: reply('server_groups', list(obj(group))),
    async handle({ query, caller, allow, insist }, deps) {
      const target = { project_id: caller.projectId }
      allow(target)
      // Who is no administrator is not refused but sees his own.
      const wantsAll = query.all_projects !== undefined && isAdmin(caller)
      if (wantsAll) insist(policy('index:all_projects'), target)
      const { maxLimit } = deps.settings
      const groups = await deps.store.serverGroups.list({
        ...(wantsAll ? {} : { projectId: caller.projectId ?? '' }),
        offset: query.offset ?? 0,
        // No limit and a limit of 0 are the same here.
        limit: Math.min(query.limit || maxLimit, maxLimit),
      })
      return viewed(deps, groups)
    },
  }),

  'POST /': op({
    policy: policy('create'),
    body: groupBody,
    reply: one,
    faults: { ServerGroupLimitExceeded: 403, ServerGroupRulesNotSupported: 400 },
    async handle({ body, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const projectId = caller.projectId ?? ''
      const { userId } = caller
      const chosen = body.policy ?? body.policies?.[0] ?? 'anti-affinity'
      const rules = body.rules?.max_server_per_host === undefined ? {} : body.rules
      const made = { id: newUuid(), name: body.name.trim(), projectId, userId, policy: chosen, rules }
      await deps.quotas.prepare(projectId)
      const write = async (tx: Store) => {
        await mustHaveRoom(tx, deps, projectId, userId)
        if (chosen !== 'anti-affinity' && 'max_server_per_host' in rules) throw RulesNotSupported({})
        await tx.serverGroups.create(made, deps.clock.now())
        await deps.notices.tell(tx, 'server_group.create', { group: { ...made, members: [] } })
      }
      // In several cells it is held before transactions begin, see `inUsageTurn`.
      const turn = turnOf.usage(projectId)
      if ((await severalCells(deps)) !== undefined) await deps.store.hold([turn], () => deps.store.transaction(write))
      else
        await deps.store.transaction(async tx => {
          await tx.turn(turn)
          await write(tx)
        })
      return groupView({ ...made, number: 0, members: [] }, new Set())
    },
  }),

  'GET /{id}': op({
    policy: policy('show'),
    query: query({}, { strict: since('2.102') }),
    reply: one,
    faults: notFound,
    async handle({ path, allow }, deps) {
      const found = await get(deps, path.id)
      allow({ project_id: found.projectId })
      const [view] = await viewed(deps, [found])
      if (view === undefined) throw ServerGroupNotFound({ id: path.id })
      return view
    },
  }),

  'DELETE /{id}': op({
    status: 204,
    policy: policy('delete'),
    faults: notFound,
    async handle({ path, allow }, deps) {
      const found = await get(deps, path.id)
      allow({ project_id: found.projectId })
      const isGone = await deps.store.transaction(async tx => {
        await tx.turn(turnOf.group(found.id))
        if (!(await tx.serverGroups.delete(found))) return false
        await deps.notices.tell(tx, 'server_group.delete', { group: found })
        return true
      })
      if (!isGone) throw ServerGroupNotFound({ id: path.id })
    },
  }),
})
