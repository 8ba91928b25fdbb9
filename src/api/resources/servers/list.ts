import { links as linkList, list, obj, operation, reply, since } from '#api/kit'
import { declareFault } from '#base'
import type { Caller } from '#cloud'
import { type InstanceFilter, MarkerNotFound } from '#store'
import { cellLists, severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { awayDetailView, awaySummaryView } from './away.ts'
import { isAdmin } from './find.ts'
import { type FoundAcross, type ListAcross, type Listed, listAcross } from './list-across.ts'
import { type FilterRights, filterOf, filtersOf, type ListValues, sortOfList } from './list-filter.ts'
import { listQuery } from './list-query.ts'
import { detailOrAway, summaryOrAway } from './shape.ts'
import { type Extras, loadExtras, serverView, summaryView } from './view.ts'

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
  showsAway: since('2.69'),
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
  readonly rawQuery: Readonly<Record<string, readonly string[]>>
}

const nothing: FoundAcross = { servers: [], unknown: [] }

/** Hosts of a zone; the default zone is every host that is in no zone aggregate. */
async function inZone(deps: ApiDeps, zone: string): Promise<Partial<InstanceFilter>> {
  const zones = await deps.store.aggregates.zones()
  const inside = [...zones].filter(([, name]) => name === zone).map(([host]) => host)
  return zone === deps.settings.defaultZone ? { notHosts: [...zones.keys()] } : { hosts: inside }
}

async function find(context: ListContext, deps: ApiDeps, allTenantsRule: string): Promise<FoundAcross> {
  const { caller, behaves } = context
  const values = context.query as ListValues
  const rights: FilterRights = {
    mayUseAll: context.may('os_compute_api:servers:allow_all_filters'),
    isAdmin: isAdmin(caller),
    refusesUnknownStatus: behaves.refusesUnknownStatus,
    minor: stepOf(behaves),
  }
  const asked = filterOf(values, rights)
  if (asked === undefined) return nothing
  if (asked.allTenants) context.insist(allTenantsRule)
  const sort = sortOfList(values, rights.isAdmin, behaves.filtersLocked)
  const { limit, marker } = context.page()
  const own = caller.projectId === null ? { userId: caller.userId } : { projectId: caller.projectId }
  const zone = asked.zone === undefined ? {} : await inZone(deps, asked.zone)
  if (limit === 0) return nothing
  const filter = { ...asked.filter, ...(asked.allTenants ? {} : own), ...zone }
  if (filter.flavorId !== undefined && (await deps.store.flavors.find(filter.flavorId)) === undefined) return nothing
  const query = { filter, sort, limit, ...(marker === undefined ? {} : { marker }) }
  const { projectId } = caller
  const isSubset = cellLists(deps).perProject && !rights.isAdmin && projectId !== null
  try {
    return await read(deps, {
      query,
      ...(isSubset ? { onlyCellsOf: projectId } : {}),
      showsAway: behaves.showsAway && isPlain(context, values, rights),
    })
  } catch (error) {
    if (MarkerNotFound.is(error)) throw ServerMarkerNotFound({ marker: marker ?? '' }, { cause: error })
    throw error
  }
}

/** Neither filtered nor sorted nor in pages: all of which needs more than is known of servers whose cell is away. */
const isPlain = ({ rawQuery }: ListContext, values: ListValues, rights: FilterRights): boolean =>
  !['limit', 'marker', 'sort_key', 'sort_dir'].some(name => name in rawQuery) && filtersOf(values, rights).length === 0

async function read(deps: ApiDeps, asked: ListAcross): Promise<FoundAcross> {
  const cells = await severalCells(deps)
  if (cells !== undefined) return listAcross(deps, cells, asked)
  const instances = await deps.store.mayLag('lists').instances.list(asked.query)
  return { servers: instances.map(instance => ({ deps, instance })), unknown: [] }
}

const faults = { MarkerNotFound: 400, InvalidFilterRegex: 400, InvalidInput: 400, AdminOnlyFilter: 403 } as const

/** Ids, names and links. */
export const index = op({
  policy: 'os_compute_api:servers:index',
  alsoPolicies: ['os_compute_api:servers:allow_all_filters', 'os_compute_api:servers:index:get_all_tenants'],
  query: listQuery,
  reply: reply(obj({ servers: list(summaryOrAway), servers_links: linkList.optional() })),
  faults,
  behaviours,
  async handle(context, deps) {
    context.allow()
    const found = await find(context, deps, 'os_compute_api:servers:index:get_all_tenants')
    const servers = [
      ...found.unknown.map(mapping => awaySummaryView(mapping, context.links)),
      ...found.servers.map(({ instance }) => summaryView(instance, context.links)),
    ]
    return { servers, servers_links: context.nextLinks('servers', servers, ({ id }) => id) }
  },
})

/** What the servers of each cell need beside their rows. */
async function extrasByCell(deps: ApiDeps, listed: readonly Listed[]): Promise<(own: ApiDeps) => Extras> {
  const groups = Map.groupBy(listed, one => one.deps)
  const loaded = new Map<ApiDeps, Extras>()
  for (const [own, servers] of groups.size === 0 ? [[deps, []] as const] : groups)
    loaded.set(
      own,
      await loadExtras(
        own,
        servers.map(({ instance }) => instance),
      ),
    )
  return own => {
    const extras = loaded.get(own)
    if (extras === undefined) throw new Error('a server of a cell that was not asked')
    return extras
  }
}

/** Whole servers: a fixed number of statements for any number of them. */
export const detailed = op({
  policy: 'os_compute_api:servers:detail',
  alsoPolicies: ['os_compute_api:servers:allow_all_filters', 'os_compute_api:servers:detail:get_all_tenants'],
  query: listQuery,
  reply: reply(obj({ servers: list(detailOrAway), servers_links: linkList.optional() })),
  faults,
  behaviours,
  async handle(context, deps) {
    context.allow()
    const found = await find(context, deps, 'os_compute_api:servers:detail:get_all_tenants')
    const extras = await extrasByCell(deps, found.servers)
    const viewer = { links: context.links, isAdmin: isAdmin(context.caller) }
    const servers = [
      ...found.unknown.map(mapping => awayDetailView(mapping, context.links)),
      ...found.servers.map(({ deps: own, instance }) => serverView(own, instance, extras(own), viewer)),
    ]
    return { servers, servers_links: context.nextLinks('servers/detail', servers, ({ id }) => id) }
  },
})
