import { links as linkList, list, obj, operation, reply, since } from '#api/kit'
import { declareFault } from '#base'
import type { Caller } from '#cloud'
import type { Instance } from '#model'
import { type InstanceFilter, MarkerNotFound } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin } from './find.ts'
import { type FilterRights, filterOf, type ListValues, sortOfList } from './list-filter.ts'
import { listQuery } from './list-query.ts'
import { detail, summary } from './shape.ts'
import { loadExtras, serverView, summaryView } from './view.ts'

const op = operation<ApiDeps>()

/** Servers word it differently from everything else that has pages. */
export const ServerMarkerNotFound = declareFault(
  'MarkerNotFound',
  'refused',
  (p: { marker: string }) => `marker [${p.marker}] not found`,
)

/** What changed in the filters of a list, by the version that changed it. */
const behaviours = {
  filtersIp6: since('2.5'),
  filtersTags: since('2.26'),
  refusesUnknownStatus: since('2.38'),
  filtersBefore: since('2.66'),
  filtersLocked: since('2.73'),
  filtersStates: since('2.83'),
  filtersHostname: since('2.90'),
}
type Behaves = Readonly<Record<keyof typeof behaviours, boolean>>

/** The newest of the steps above that the request's version has. */
function stepOf(behaves: Behaves): number {
  if (behaves.filtersHostname) return 90
  if (behaves.filtersStates) return 83
  if (behaves.filtersLocked) return 73
  if (behaves.filtersBefore) return 66
  if (behaves.filtersTags) return 26
  return behaves.filtersIp6 ? 5 : 1
}

interface ListContext {
  readonly caller: Caller
  readonly query: unknown
  readonly behaves: Behaves
  readonly insist: (rule: string) => void
  readonly may: (rule: string) => boolean
  readonly page: () => { limit: number; marker: string | undefined }
}

/** Hosts of a zone; the default zone is every host that is in no zone aggregate. */
async function inZone(deps: ApiDeps, zone: string): Promise<Partial<InstanceFilter>> {
  const zones = await deps.store.aggregates.zones()
  const inside = [...zones].filter(([, name]) => name === zone).map(([host]) => host)
  return zone === deps.settings.defaultZone ? { notHosts: [...zones.keys()] } : { hosts: inside }
}

async function find(context: ListContext, deps: ApiDeps, allTenantsRule: string): Promise<readonly Instance[]> {
  const { caller, behaves } = context
  const values = context.query as ListValues
  const rights: FilterRights = {
    mayUseAll: context.may('os_compute_api:servers:allow_all_filters'),
    isAdmin: isAdmin(caller),
    refusesUnknownStatus: behaves.refusesUnknownStatus,
    minor: stepOf(behaves),
  }
  const asked = filterOf(values, rights)
  if (asked === undefined) return []
  if (asked.allTenants) context.insist(allTenantsRule)
  const sort = sortOfList(values, rights.isAdmin, behaves.filtersLocked)
  const { limit, marker } = context.page()
  const own = caller.projectId === null ? { userId: caller.userId } : { projectId: caller.projectId }
  const zone = asked.zone === undefined ? {} : await inZone(deps, asked.zone)
  if (limit === 0) return []
  const filter = { ...asked.filter, ...(asked.allTenants ? {} : own), ...zone }
  if (filter.flavorId !== undefined && (await deps.store.flavors.find(filter.flavorId)) === undefined) return []
  try {
    return await deps.store
      .mayLag('lists')
      .instances.list({ filter, sort, limit, ...(marker === undefined ? {} : { marker }) })
  } catch (error) {
    if (MarkerNotFound.is(error)) throw ServerMarkerNotFound({ marker: marker ?? '' }, { cause: error })
    throw error
  }
}

const faults = { MarkerNotFound: 400, InvalidFilterRegex: 400, InvalidInput: 400, AdminOnlyFilter: 403 } as const

/** Ids, names and links. */
export const index = op({
  policy: 'os_compute_api:servers:index',
  alsoPolicies: ['os_compute_api:servers:allow_all_filters', 'os_compute_api:servers:index:get_all_tenants'],
  query: listQuery,
  reply: reply(obj({ servers: list(obj(summary)), servers_links: linkList.optional() })),
  faults,
  behaviours,
  async handle(context, deps) {
    context.allow()
    const instances = await find(context, deps, 'os_compute_api:servers:index:get_all_tenants')
    const servers_links = context.nextLinks('servers', instances, i => i.id)
    return {
      servers: instances.map(i => summaryView(i, context.links)),
      servers_links,
    }
  },
})

/** Whole servers: a fixed number of statements for any number of them. */
export const detailed = op({
  policy: 'os_compute_api:servers:detail',
  alsoPolicies: ['os_compute_api:servers:allow_all_filters', 'os_compute_api:servers:detail:get_all_tenants'],
  query: listQuery,
  reply: reply(obj({ servers: list(obj(detail)), servers_links: linkList.optional() })),
  faults,
  behaviours,
  async handle(context, deps) {
    context.allow()
    const instances = await find(context, deps, 'os_compute_api:servers:detail:get_all_tenants')
    const extras = await loadExtras(deps, instances)
    const viewer = { links: context.links, isAdmin: isAdmin(context.caller) }
    const servers_links = context.nextLinks('servers/detail', instances, i => i.id)
    return {
      servers: instances.map(i => serverView(deps, i, extras, viewer)),
      servers_links,
    }
  },
})
