import { bool, int, obj, operation, query, reply, request, resource, since, str } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { completed, type Numbers, type QuotaName, quotaNames, usedBy, userOf } from './resources.ts'
import { BadQuota, mustFit, settable } from './settable.ts'
import { limitsIn, limitsOut } from './shape.ts'

const op = operation<ApiDeps>()
const policy = (action: string): string => `os_compute_api:os-quota-sets:${action}`
const faults = { InvalidInput: 400 } as const
const userQuery = query({ user_id: str.optional().many() }, { strict: since('2.75') })

/** Nova asks Keystone whether the project exists and lets it pass when Keystone does not answer. */
async function mustBeProject(deps: ApiDeps, id: string): Promise<void> {
  const project = await deps.identity.project(id).catch(() => null)
  if (project === undefined) throw BadQuota({ text: `Project ID ${id} is not a valid project.` })
}

/** The first one counts; an empty one is none. */
const userIn = (asked: readonly string[] | undefined): string | undefined => asked?.find(id => id !== '')

const limitsFor = async (deps: ApiDeps, projectId: string, userId: string | undefined): Promise<Numbers> =>
  completed(await deps.quotas.limits(deps.store, projectId, userId))

type Wanted = Partial<Record<QuotaName, number>>

/** All or none: every value is checked before the first is written. */
async function setLimits(deps: ApiDeps, projectId: string, userId: string | undefined, wanted: Wanted, force: boolean) {
  // Limits in Keystone are changed there; the answer shows them.
  if (deps.quotas.kind !== 'db') return
  const asked = quotaNames.flatMap(name => {
    const limit = wanted[name]
    return limit === undefined ? [] : [{ name, limit }]
  })
  if (!force) {
    const range = await settable(deps, projectId, userId)
    for (const { name, limit } of asked) mustFit(name, limit, range(name))
  }
  await deps.store.transaction(async tx => {
    for (const { name, limit } of asked) await tx.quotas.set(projectId, userOf(name, userId), name, limit)
  })
}

const amount = obj({ limit: int, in_use: int, reserved: int })

/** How much a project, or one user in it, may have. */
export const quotaSets = resource('/os-quota-sets', {
  'GET /{id}': op({
    policy: policy('show'),
    query: userQuery,
    reply: reply('quota_set', { id: str, ...limitsOut(int) }),
    faults,
    async handle({ path, query, allow }, deps) {
      allow({ project_id: path.id })
      await mustBeProject(deps, path.id)
      return { id: path.id, ...(await limitsFor(deps, path.id, userIn(query.user_id))) }
    },
  }),

  'GET /{id}/detail': op({
    policy: policy('detail'),
    query: userQuery,
    reply: reply('quota_set', { id: str, ...limitsOut(amount) }),
    faults,
    async handle({ path, query, allow }, deps) {
      allow({ project_id: path.id })
      await mustBeProject(deps, path.id)
      const userId = userIn(query.user_id)
      const limits = await limitsFor(deps, path.id, userId)
      const used = await usedBy(deps, path.id, userId)
      const of = (name: QuotaName) => ({ limit: limits[name], in_use: used[name], reserved: 0 })
      const amounts = Object.fromEntries(quotaNames.map(name => [name, of(name)]))
      return { id: path.id, ...(amounts as Record<QuotaName, ReturnType<typeof of>>) }
    },
  }),

  'GET /{id}/defaults': op({
    policy: policy('defaults'),
    reply: reply('quota_set', { id: str, ...limitsOut(int) }),
    faults,
    async handle({ path, allow }, deps) {
      allow({ project_id: path.id })
      await mustBeProject(deps, path.id)
      return { id: path.id, ...completed(await deps.quotas.defaults(deps.store, 'default')) }
    },
  }),

  'PUT /{id}': op({
    policy: policy('update'),
    query: userQuery,
    body: request('quota_set', { ...limitsIn, force: bool.optional() }),
    reply: reply('quota_set', limitsOut(int)),
    faults,
    async handle({ path, query, body, allow }, deps) {
      allow({ project_id: path.id })
      await mustBeProject(deps, path.id)
      const userId = userIn(query.user_id)
      const { force, ...wanted } = body
      await setLimits(deps, path.id, userId, wanted, force === true)
      return limitsFor(deps, path.id, userId)
    },
  }),

  // 202 although it is done, as clients know it; any id will do, so that what a deleted project has left can go.
  'DELETE /{id}': op({
    status: 202,
    policy: policy('delete'),
    query: userQuery,
    async handle({ path, query, allow }, deps) {
      allow({ project_id: path.id })
      await deps.store.quotas.clear(path.id, userIn(query.user_id) ?? null)
    },
  }),
})
