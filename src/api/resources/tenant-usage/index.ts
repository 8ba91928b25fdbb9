import {
  int,
  links,
  list,
  nonNegative,
  num,
  obj,
  operation,
  type Page,
  query,
  reply,
  resource,
  since,
  str,
} from '#api/kit'
import type { Instance } from '#model'
import { MarkerNotFound } from '#store'
import { gathered, havingIt } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { type Period, periodOf } from './period.ts'
import { projectUsage, type ServerUsage, serverUsage } from './usage.ts'

const op = operation<ApiDeps>()
const time = str.optional().many()
const paging = { limit: nonNegative.optional().since('2.40'), marker: str.optional().since('2.40') }
const strict = { strict: since('2.75') }
const behaviours = { pages: since('2.40') }
const faults = { InvalidInput: 400, MarkerNotFound: 400 } as const

const server = obj({
  instance_id: str,
  name: str,
  tenant_id: str,
  hours: num,
  flavor: str,
  memory_mb: int,
  local_gb: int,
  vcpus: int,
  started_at: str,
  ended_at: str.nullable(),
  state: str,
  uptime: int,
})

const project = {
  tenant_id: str,
  total_local_gb_usage: num,
  total_vcpus_usage: num,
  total_memory_mb_usage: num,
  total_hours: num,
  start: str,
  stop: str,
  server_usages: list(server).optional(),
}

/** A project without servers in the period has an empty object. */
const projectOrNothing = obj({
  tenant_id: str.optional(),
  total_local_gb_usage: num.optional(),
  total_vcpus_usage: num.optional(),
  total_memory_mb_usage: num.optional(),
  total_hours: num.optional(),
  start: str.optional(),
  stop: str.optional(),
  server_usages: list(server).optional(),
})

const compare = (a: Instance, b: Instance): number =>
  a.projectId === b.projectId ? (a.id < b.id ? -1 : 1) : a.projectId < b.projectId ? -1 : 1

/** The page's servers, by project and id; the marker is the last server of the page before, in the period or not. */
async function serversOf(deps: ApiDeps, period: Period, page: Page, projectId?: string): Promise<readonly Instance[]> {
  const { startMicros, stopMicros } = period
  const [fromMs, toMs] = [Math.floor(startMicros / 1000), Math.ceil(stopMicros / 1000)]
  const found = await gathered(deps, ({ store }) =>
    store.mayLag('reports').instances.livedBetween(fromMs, toMs, projectId),
  )
  const rough = [...new Map(found.flat().map(instance => [instance.id, instance])).values()]
  const inside = rough.filter(
    ({ launchedAtMs, terminatedAtMs }) =>
      (launchedAtMs ?? 0) * 1000 < stopMicros && (terminatedAtMs === null || terminatedAtMs * 1000 > startMicros),
  )
  const sorted = inside.sort(compare)
  if (page.marker === undefined) return sorted.slice(0, page.limit)
  const { marker: id } = page
  const [marker] = await havingIt(deps, ({ store }) =>
    store.mayLag('reports').instances.find(id, { withDeleted: true }),
  )
  if (marker === undefined) throw MarkerNotFound({ marker: id })
  return sorted
    .filter(instance => compare(instance, marker.value) > 0 && instance.id !== marker.value.id)
    .slice(0, page.limit)
}

interface UsageContext {
  readonly query: { readonly start?: readonly string[]; readonly end?: readonly string[] }
  readonly behaves: { readonly pages: boolean }
  readonly page: () => Page
}

/** Older versions know no paging: they get as much as one page may hold. */
async function usagesOf({ query, behaves, page }: UsageContext, deps: ApiDeps, projectId?: string) {
  const nowMs = deps.clock.now()
  const period = periodOf(query.start?.[0], query.end?.[0], nowMs)
  const asked = behaves.pages ? page() : { limit: deps.settings.maxLimit, marker: undefined }
  const found = await serversOf(deps, period, asked, projectId)
  return { period, usages: found.map(instance => serverUsage(instance, period, nowMs)) }
}

const idOf = (usage: ServerUsage): string => usage.instance_id

/** How long servers have been there, by project: the raw material of a bill. */
export const tenantUsage = resource('/os-simple-tenant-usage', {
  'GET /': op({
    policy: 'os_compute_api:os-simple-tenant-usage:list',
    query: query({ start: time, end: time, detailed: time, ...paging }, strict),
    reply: reply(obj({ tenant_usages: list(obj(project)), tenant_usages_links: links.optional().since('2.40') })),
    faults,
    behaviours,
    async handle(context, deps) {
      context.allow()
      const { period, usages } = await usagesOf(context, deps)
      const isDetailed = context.query.detailed?.[0] === '1'
      const next = context.behaves.pages ? context.nextLinks('os-simple-tenant-usage', usages, idOf) : undefined
      return {
        tenant_usages: [...Map.groupBy(usages, usage => usage.tenant_id)].map(([id, own]) =>
          projectUsage(id, own, period, isDetailed),
        ),
        ...(next === undefined ? {} : { tenant_usages_links: next }),
      }
    },
  }),

  'GET /{id}': op({
    policy: 'os_compute_api:os-simple-tenant-usage:show',
    query: query({ start: time, end: time, ...paging }, strict),
    reply: reply(obj({ tenant_usage: projectOrNothing, tenant_usage_links: links.optional().since('2.40') })),
    faults,
    behaviours,
    async handle(context, deps) {
      const { id } = context.path
      context.allow({ project_id: id })
      const { period, usages } = await usagesOf(context, deps, id)
      const collection = `os-simple-tenant-usage/${id}`
      const next = context.behaves.pages ? context.nextLinks(collection, usages, idOf) : undefined
      return {
        tenant_usage: usages.length === 0 ? {} : projectUsage(id, usages, period, true),
        ...(next === undefined ? {} : { tenant_usage_links: next }),
      }
    },
  }),
})
