import type { Instance } from '#model'
import {
  type Cell,
  comparePositions,
  type InstanceMapping,
  type InstancePosition,
  type InstanceQuery,
  MarkerNotFound,
  type PositionedInstance,
} from '#store'
import { type ApiCells, cellLists, cellNotResponding } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'

/** A server of a list, with what its cell has. */
export interface Listed {
  readonly deps: ApiDeps
  readonly instance: Instance
}

export interface ListAcross {
  readonly query: InstanceQuery & { readonly limit: number }
  /** The project whose cells are enough; absent: all cells. */
  readonly onlyCellsOf?: string
  /** The answer can tell of servers in cells that are away. */
  readonly showsAway: boolean
}

export interface FoundAcross {
  readonly servers: readonly Listed[]
  /** Servers of which only their mappings are known. */
  readonly unknown: readonly InstanceMapping[]
}

/** Fewer are not worth a question. */
const leastBatch = 100

/** Nova's: a tenth more than the cell's part of the page. */
function batchOf(deps: ApiDeps, limit: number, cellCount: number): number {
  const { batch } = cellLists(deps)
  const asked = batch === 'distributed' ? Math.floor((limit / cellCount) * 1.1) : batch
  return Math.max(Math.min(asked, limit), leastBatch)
}

/** One cell's part of the list, as far as it has been read. */
class Part {
  readonly deps: ApiDeps
  readonly #query: ListAcross['query']
  readonly #batch: number
  readonly #read: PositionedInstance[] = []
  #next = 0
  #after: InstancePosition | undefined
  #isAll = false

  constructor(deps: ApiDeps, query: ListAcross['query'], batch: number, after: InstancePosition | undefined) {
    this.deps = deps
    this.#query = query
    this.#batch = batch
    this.#after = after
  }

  /** The first that nobody has taken; undefined when all are, or when more have to be read. */
  get head(): PositionedInstance | undefined {
    return this.#read[this.#next]
  }

  get hasMore(): boolean {
    return this.head === undefined && !this.#isAll
  }

  take(): void {
    this.#next++
  }

  async readOn(): Promise<void> {
    const { filter, sort } = this.#query
    const rows = await this.deps.store.mayLag('lists').instances.listPart({
      filter,
      ...(sort === undefined ? {} : { sort }),
      limit: this.#batch,
      ...(this.#after === undefined ? {} : { after: this.#after }),
    })
    this.#read.push(...rows)
    this.#after = rows.at(-1)?.position ?? this.#after
    this.#isAll = rows.length < this.#batch
  }
}

/** Where the list goes on; the marker may be in any cell, and home is one of them. */
async function positionOf(cells: ApiCells, { query }: ListAcross): Promise<InstancePosition | undefined> {
  const { marker, sort, filter } = query
  if (marker === undefined) return undefined
  const { store, away } = await cells.ofServer(marker)
  const found = away === undefined ? await store.instances.positionOf(marker, sort) : undefined
  if (found === undefined || (filter.projectId !== undefined && found.projectId !== filter.projectId))
    throw MarkerNotFound({ marker })
  return found.position
}

async function among(deps: ApiDeps, projectId: string | undefined): Promise<(cell: Cell) => boolean> {
  if (projectId === undefined) return () => true
  const uuids = new Set(await deps.store.instanceMappings.cellsOf(projectId))
  return cell => cell.isHome || uuids.has(cell.uuid)
}

/**
 * One list of the servers of all cells: each is asked for the beginning of its part, all at once, and for more when what it
 * has told is used up. A server on its way from home to its cell is there twice for a moment, and shown once.
 */
export async function listAcross(deps: ApiDeps, cells: ApiCells, asked: ListAcross): Promise<FoundAcross> {
  const { query, showsAway, onlyCellsOf } = asked
  const { limit } = query
  const after = await positionOf(cells, asked)
  const isAsked = await among(deps, onlyCellsOf)
  const parts: Part[] = []
  const away: Cell[] = []
  const count = (await cells.list()).filter(isAsked).length
  const answers = await cells.gather(async own => {
    // What is at home may be gone when it is asked again, so that all of it is read at first.
    const part = new Part(own, query, own.cell === undefined ? limit : batchOf(deps, limit, count), after)
    await part.readOn()
    return part
  }, isAsked)
  const lose = (cell: Cell, error: unknown) => {
    if (!showsAway && !cellLists(deps).skipsAway) throw cellNotResponding(cell, error)
    away.push(cell)
  }
  for (const answer of answers)
    if (answer.ok) parts.push(answer.value)
    else lose(answer.cell, answer.error)
  const compare = comparePositions(query.sort)
  const servers = new Map<string, Listed>()
  const twice: Twice[] = []
  while (servers.size < limit) {
    for (const answer of await readOn(cells, parts))
      if (!answer.ok) {
        lose(answer.cell, answer.error)
        parts.splice(0, parts.length, ...parts.filter(part => part.deps.cell?.uuid !== answer.cell.uuid))
      }
    const first = firstOf(parts, compare)
    if (first?.head === undefined) break
    const { instance } = first.head
    first.take()
    const known = servers.get(instance.id)
    if (known === undefined) servers.set(instance.id, { deps: first.deps, instance })
    else twice.push([known, { deps: first.deps, instance }])
  }
  await decide(deps, servers, twice)
  const uuids = away.map(cell => cell.uuid)
  const left = limit - servers.size
  const unknown = showsAway
    ? (await deps.store.instanceMappings.alive(uuids, query.filter.projectId)).slice(0, left)
    : []
  return { servers: [...servers.values()], unknown }
}

type Twice = readonly [Listed, Listed]

/** Of a server that is in two cells, the one that its mapping names has it. */
async function decide(deps: ApiDeps, servers: Map<string, Listed>, twice: readonly Twice[]): Promise<void> {
  const mappings = await deps.store.instanceMappings.ofMany(twice.map(([{ instance }]) => instance.id))
  const cellOf = new Map<string, string>(mappings.map(({ instanceId, cellUuid }) => [instanceId, cellUuid]))
  for (const listed of twice.flat())
    if (listed.deps.cell?.uuid === cellOf.get(listed.instance.id)) servers.set(listed.instance.id, listed)
}

function firstOf(parts: readonly Part[], compare: ReturnType<typeof comparePositions>): Part | undefined {
  let first: Part | undefined
  for (const part of parts) {
    if (part.head === undefined) continue
    if (first?.head === undefined || compare(part.head.position, first.head.position) < 0) first = part
  }
  return first
}

/** Those whose next server is not known are asked for it. */
async function readOn(cells: ApiCells, parts: readonly Part[]) {
  const hungry = parts.filter(part => part.hasMore)
  if (hungry.length === 0) return []
  const uuids = new Set(hungry.map(part => part.deps.cell?.uuid))
  return cells.gather(
    async own => hungry.find(part => part.deps === own)?.readOn(),
    cell => uuids.has(cell.isHome ? undefined : cell.uuid),
  )
}
