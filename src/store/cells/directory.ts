import { type Clock, declareFault, Fault, type Log } from '#base'
import { type CellMapping, cell0Uuid } from '../api-db/cell-mappings.ts'
import { isOutage } from '../engine/index.ts'
import type { Store } from '../store.ts'
import { fillTemplate } from './url-template.ts'

/** One cell, as far as its database is concerned. */
export interface Cell {
  readonly uuid: string
  readonly name: string | null
  /** Nothing new is placed there; what is there stays and is shown. */
  readonly isDisabled: boolean
  /** Servers are here that are not placed yet, or never were: cell0, or the only cell. */
  readonly isHome: boolean
  /** Its database is this process's own `[database] connection`. */
  readonly isOwn: boolean
  readonly transportUrl: string
  /** Throws `CellUnreachable` while its database is away. */
  store(): Promise<Store>
}

/** What each cell answered. */
export type CellAnswer<T> =
  | { readonly cell: Cell; readonly ok: true; readonly value: T }
  | { readonly cell: Cell; readonly ok: false; readonly error: unknown }

export const CellUnreachable = declareFault(
  'CellUnreachable',
  'transient',
  (p: { cell: string; reason: string }) => `Cell ${p.cell} cannot be reached: ${p.reason}`,
)

export interface DirectoryOptions {
  /** Of this process; knows the API's tables. */
  readonly own: Store
  /** `[database] connection` and `transport_url` of this process, which templates are filled with. */
  readonly databaseUrl: string
  readonly transportUrl: string
  /** Opens another cell's database, at an address that is complete. */
  readonly open: (databaseUrl: string) => Promise<Store>
  readonly clock: Clock
  readonly log: Log
}

/** How old the list of cells may be: cells come and go rarely, and every request asks for it. */
const freshMs = 10_000
/** A cell that does not answer within this is treated as away; Nova waits 60 s. */
const answerWithinMs = 10_000
/** While a cell is away, it is tried again this often, and not by those who wait for a list. */
const awayMs = 5_000

interface Opened {
  readonly url: string
  readonly store: Promise<Store>
}

interface Away {
  readonly untilMs: number
  readonly error: unknown
}

/**
 * The cells of a cloud, by their mappings in the API's database.
 *
 * Theory of operation. The list is read again when it is older than some seconds. Each cell's database is opened when it is
 * first needed, and kept. A cell that could not be opened, or has not answered in time, is away for a while: who gathers
 * from all cells gets its error at once instead of waiting for it, so that one dead cell does not make every list slow; the
 * first who comes after that while tries it again.
 */
export class CellDirectory {
  readonly #o: DirectoryOptions
  readonly #opened = new Map<string, Opened>()
  readonly #away = new Map<string, Away>()
  #list: { readonly cells: readonly Cell[]; readonly readAtMs: number } | undefined
  #reading: Promise<readonly Cell[]> | undefined

  constructor(options: DirectoryOptions) {
    this.#o = options
  }

  /** Where new servers are written down. */
  async home(): Promise<Cell> {
    return (await this.list()).find(cell => cell.isHome) ?? this.#only()
  }

  /** All cells, disabled ones too, in the order of their making. Where none is written down: the one there is. */
  async list(): Promise<readonly Cell[]> {
    const { clock } = this.#o
    if (this.#list !== undefined && clock.now() - this.#list.readAtMs < freshMs) return this.#list.cells
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** There is nothing to gather: all is in one database. */
  async isOnly(): Promise<boolean> {
    return (await this.list()).every(cell => cell.isHome)
  }

  /** The next who asks reads the list anew. */
  forget(): void {
    this.#list = undefined
    this.#away.clear()
  }

  async find(uuid: string): Promise<Cell | undefined> {
    return (await this.list()).find(cell => cell.uuid === uuid)
  }

  /** The cell a server is in; home for one that is in none yet, or that is not known. */
  async ofServer(instanceId: string): Promise<Cell> {
    if (await this.isOnly()) return this.home()
    const uuid = await this.#o.own.instanceMappings.cellOf(instanceId)
    return (uuid === undefined ? undefined : await this.find(uuid)) ?? (await this.home())
  }

  /** The cell of a host; undefined for one that was not discovered. */
  async ofHost(host: string): Promise<Cell | undefined> {
    if (await this.isOnly()) return this.home()
    const uuid = await this.#o.own.hostMappings.cellOf(host)
    return uuid === undefined ? undefined : this.find(uuid)
  }

  /** Asks all of these cells at once; those that are away answer with why. A refusal of one of them is the caller's. */
  async gather<T>(
    work: (store: Store, cell: Cell) => Promise<T>,
    among?: readonly Cell[],
  ): Promise<readonly CellAnswer<T>[]> {
    const cells = among ?? (await this.list())
    return Promise.all(cells.map(cell => this.#ask(cell, work)))
  }

  async close(): Promise<void> {
    const opened = [...this.#opened.values()]
    this.#opened.clear()
    await Promise.all(opened.map(({ store }) => store.then(s => s.close()).catch(() => undefined)))
  }

  async #ask<T>(cell: Cell, work: (store: Store, cell: Cell) => Promise<T>): Promise<CellAnswer<T>> {
    const away = this.#away.get(cell.uuid)
    if (away !== undefined && this.#o.clock.now() < away.untilMs) return { cell, ok: false, error: away.error }
    // Whoever comes while this one tries does not wait as well.
    if (away !== undefined) this.#setAway(cell, away.error)
    try {
      const asked = cell.store().then(store => work(store, cell))
      const value = cell.isOwn ? await asked : await this.#inTime(cell, asked)
      this.#away.delete(cell.uuid)
      return { cell, ok: true, value }
    } catch (error) {
      // What it refuses it has understood.
      if (error instanceof Fault && error.kind !== 'transient') throw error
      if (!cell.isOwn) this.#setAway(cell, error)
      this.#o.log.warn({ cell: cell.uuid, cell_name: cell.name, err: error }, 'a cell did not answer')
      return { cell, ok: false, error }
    }
  }

  #setAway(cell: Cell, error: unknown): void {
    this.#away.set(cell.uuid, { untilMs: this.#o.clock.now() + awayMs, error })
  }

  async #inTime<T>(cell: Cell, asked: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>()
    const cancel = this.#o.clock.after(answerWithinMs, () =>
      late.reject(unreachable(cell, `no answer within ${answerWithinMs / 1000} s`)),
    )
    try {
      return await Promise.race([asked, late.promise])
    } finally {
      cancel()
      // What comes too late is nobody's.
      asked.catch(() => undefined)
    }
  }

  async #read(): Promise<readonly Cell[]> {
    const mappings = await this.#o.own.cellMappings.list()
    const hasCell0 = mappings.some(mapping => mapping.uuid === cell0Uuid)
    // cell0 alone is a cloud whose cells are still being set up: all servers are where they were.
    const named = hasCell0 && mappings.length === 1 ? [] : mappings
    const known = named.map(mapping => this.#cellOf(mapping, hasCell0))
    const cells = known.some(cell => cell.isHome) ? known : [this.#only(), ...known]
    this.#list = { cells, readAtMs: this.#o.clock.now() }
    await this.#closeUnlisted(known)
    return cells
  }

  /** Where cells are not set up, everything is in one. */
  #only(): Cell {
    const { own, transportUrl } = this.#o
    const base = { uuid: cell0Uuid, name: null, isDisabled: false, isHome: true, isOwn: true, transportUrl }
    return { ...base, store: async () => own }
  }

  #cellOf(mapping: CellMapping, hasCell0: boolean): Cell {
    const { uuid, name, isDisabled, databaseConnection, transportUrl: transport } = mapping
    const { own, log } = this.#o
    const filled = (template: string, from: string) => {
      const { url, missing } = fillTemplate(template, from)
      if (missing.length > 0) log.error({ cell: uuid, missing }, 'the URL of a cell has places that nothing fills')
      return url
    }
    const url = filled(databaseConnection, this.#o.databaseUrl)
    const isOwn = url === this.#o.databaseUrl
    // cell0 has no broker (`none:`): what is to be told there is told on the API's own.
    const written = filled(transport, this.#o.transportUrl)
    const transportUrl = written.startsWith('none:') ? this.#o.transportUrl : written
    const isHome = hasCell0 ? uuid === cell0Uuid : isOwn
    const base = { uuid, name, isDisabled, isHome, isOwn, transportUrl }
    const cell: Cell = { ...base, store: async () => (isOwn ? own : this.#openStore(cell, url)) }
    return cell
  }

  #openStore(cell: Cell, url: string): Promise<Store> {
    const before = this.#opened.get(cell.uuid)
    if (before?.url === url) return before.store
    const store = this.#o.open(url).catch((error: unknown) => {
      this.#opened.delete(cell.uuid)
      throw cellUnreachable(cell, error)
    })
    this.#opened.set(cell.uuid, { url, store })
    void before?.store.then(s => s.close()).catch(() => undefined)
    return store
  }

  async #closeUnlisted(cells: readonly Cell[]): Promise<void> {
    const known = new Set(cells.map(cell => cell.uuid))
    for (const [uuid, { store }] of this.#opened) {
      if (known.has(uuid)) continue
      this.#opened.delete(uuid)
      await store.then(s => s.close()).catch(() => undefined)
    }
  }
}

const unreachable = (cell: Cell, reason: string, cause?: unknown) =>
  CellUnreachable({ cell: cell.name ?? cell.uuid, reason }, { cause })

export const cellUnreachable = (cell: Cell, cause: unknown) => unreachable(cell, (cause as Error).message, cause)

/** Work in another cell's database: that it is away is no outage of one's own, which would be waited for. */
export async function inReach<T>(cell: Cell, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isOutage(error) ? cellUnreachable(cell, error) : error
  }
}
