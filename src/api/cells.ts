import { declareFault } from '#base'
import type { Cell } from '#store'
import type { ApiDeps } from './deps.ts'

/** What one cell answered, with what handlers have of it. */
export type ApiAnswer<T> =
  | { readonly ok: true; readonly deps: ApiDeps; readonly value: T }
  | { readonly ok: false; readonly cell: Cell; readonly error: unknown }

export const CellNotResponding = declareFault(
  'CellNotResponding',
  'final',
  (p: { cell: string }) => `Cell ${p.cell} is not responding.`,
)

export const cellNotResponding = ({ name, uuid }: Cell, cause?: unknown) =>
  CellNotResponding({ cell: name === null ? uuid : `${name} (${uuid})` }, { cause })

/** How lists are gathered from several cells. */
export interface CellListOptions {
  /** `[api] instance_list_per_project_cells`: who is no administrator is shown what the cells have in which his project has servers. */
  readonly perProject: boolean
  /** Servers that a cell is asked for at a time; `distributed`: a part of the page. `[api] instance_list_cells_batch_…`. */
  readonly batch: 'distributed' | number
  /** `[api] list_records_by_skipping_down_cells`: lists leave out cells that are away; otherwise they are refused. */
  readonly skipsAway: boolean
}

const novaLists: CellListOptions = { perProject: false, batch: 'distributed', skipsAway: true }

export const cellLists = ({ settings }: ApiDeps): CellListOptions => settings.cellLists ?? novaLists

/**
 * The cells as handlers see them: `ApiDeps` once per cell, with that cell's rows, conductors and hosts. The API's own tables
 * (flavors, key pairs, quotas, aggregates, server groups) are the same in all of them.
 *
 * An operation under `/servers/{id}` is given those of the server's cell before it begins. All others are given those of
 * the API's own database, where servers are that are in no cell yet; what is about hosts or many servers asks here.
 */
export interface ApiCells {
  /** Everything is in one database: nobody need gather anything. */
  isOnly(): Promise<boolean>
  /** All of them. */
  list(): Promise<readonly Cell[]>
  /** Those of its cell; `away` is set where that cannot be asked. */
  ofServer(instanceId: string): Promise<ApiDeps>
  /** The same for many. */
  ofServers(
    instanceIds: readonly string[],
  ): Promise<readonly { readonly deps: ApiDeps; readonly ids: readonly string[] }[]>
  /** For a server that `last` does not have: who has it now. Undefined where nobody does. */
  lookAgain(instanceId: string, last: ApiDeps): Promise<ApiDeps | undefined>
  /** Undefined for a host that is in no cell; `CellNotResponding`. */
  ofHost(host: string): Promise<ApiDeps | undefined>
  /**
   * Of all cells, disabled ones too, or of these; a cell that is away answers with why. Home is asked first: a server on its
   * way from there to a cell is then seen at least once.
   */
  gather<T>(work: (deps: ApiDeps) => Promise<T>, among?: (cell: Cell) => boolean): Promise<readonly ApiAnswer<T>[]>
}

/** The cells, where there are several. */
export async function severalCells({ cells }: ApiDeps): Promise<ApiCells | undefined> {
  return cells === undefined || (await cells.isOnly()) ? undefined : cells
}

export interface Gathered<T> {
  readonly deps: ApiDeps
  readonly value: T
}

/** What the cells that can be reached answered, and with what; an only cell's error is the caller's. */
export async function gatheredWith<T>(
  deps: ApiDeps,
  work: (deps: ApiDeps) => Promise<T>,
): Promise<readonly Gathered<T>[]> {
  const cells = await severalCells(deps)
  if (cells === undefined) return [{ deps, value: await work(deps) }]
  return (await cells.gather(work)).filter(answer => answer.ok)
}

export async function gathered<T>(deps: ApiDeps, work: (deps: ApiDeps) => Promise<T>): Promise<readonly T[]> {
  return (await gatheredWith(deps, work)).map(({ value }) => value)
}

/** Of those that have it; `CellNotResponding` where nobody does, and one that might cannot be asked. */
export async function havingIt<T>(
  deps: ApiDeps,
  work: (deps: ApiDeps) => Promise<T | undefined>,
): Promise<readonly Gathered<T>[]> {
  const cells = await severalCells(deps)
  const answers: readonly ApiAnswer<T | undefined>[] =
    cells === undefined ? [{ ok: true, deps, value: await work(deps) }] : await cells.gather(work)
  const found = answers.flatMap(answer =>
    answer.ok && answer.value !== undefined ? [{ deps: answer.deps, value: answer.value }] : [],
  )
  const silent = answers.find(answer => !answer.ok)
  if (found.length === 0 && silent !== undefined) throw cellNotResponding(silent.cell, silent.error)
  return found
}

/** The first cell that has it; as `havingIt`. */
export async function firstOf<T>(
  deps: ApiDeps,
  work: (deps: ApiDeps) => Promise<T | undefined>,
): Promise<Gathered<T> | undefined> {
  return (await havingIt(deps, work))[0]
}

/** Of the cell of a host; undefined for a host that is in none. */
export async function ofHost(deps: ApiDeps, host: string): Promise<ApiDeps | undefined> {
  const cells = await severalCells(deps)
  return cells === undefined ? deps : cells.ofHost(host)
}

/** What the cells say of hosts, in one map: a host is in one of them. */
export async function gatheredMap<V>(
  deps: ApiDeps,
  work: (deps: ApiDeps) => Promise<ReadonlyMap<string, V>>,
): Promise<ReadonlyMap<string, V>> {
  const maps = await gathered(deps, work)
  const [only] = maps
  return maps.length === 1 && only !== undefined ? only : new Map(maps.flatMap(map => [...map]))
}
