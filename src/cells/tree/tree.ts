import { type Clock, every, type Log } from '#base'
import type { Bus } from '#bus'
import type { NeighbourCell } from '#store'
import { checkedName } from '../names.ts'
import type { NeighbourSource } from './neighbour.ts'

/** A way to a neighbour: the bus there, opened by us. */
export interface Way {
  readonly neighbour: NeighbourCell
  readonly bus: Bus
}

/** The bus of another cell. `close` ends running calls with their transient fault. */
export type OpenedBus = Bus & { close(): Promise<void> }

export interface TreeParts {
  readonly ownName: string
  readonly source: NeighbourSource
  readonly openBus: (transportUrl: string) => OpenedBus
  /** `db_check_interval`. */
  readonly refreshMs: number
  readonly clock: Clock
  readonly log: Log
}

interface OpenedWay extends Way {
  readonly bus: OpenedBus
}

/**
 * The neighbours of this cell, and a bus to each. A neighbour whose URL has changed gets a new bus; what cannot be used of
 * the list is left out and told, and a list that cannot be read at all leaves the neighbours as they were.
 */
export class CellTree {
  readonly #p: TreeParts
  #ways: ReadonlyMap<string, OpenedWay> = new Map()
  #stop: () => void = () => undefined
  #isClosed = false

  constructor(parts: TreeParts) {
    checkedName(parts.ownName)
    this.#p = parts
  }

  get ownName(): string {
    return this.#p.ownName
  }

  /** Throws when the neighbours cannot be read the first time. */
  async start(): Promise<void> {
    await this.refresh()
    this.#stop = every(
      this.#p.clock,
      this.#p.refreshMs,
      () => this.refresh(),
      error => this.#p.log.error({ err: error }, 'the neighbouring cells could not be read'),
    )
  }

  get neighbours(): readonly NeighbourCell[] {
    return [...this.#ways.values()].map(way => way.neighbour)
  }

  get children(): readonly NeighbourCell[] {
    return this.neighbours.filter(one => !one.isParent)
  }

  get parents(): readonly NeighbourCell[] {
    return this.neighbours.filter(one => one.isParent)
  }

  /** Undefined: there is no such neighbour on that side. */
  way(direction: 'up' | 'down', name: string): Way | undefined {
    const way = this.#ways.get(name)
    return way?.neighbour.isParent === (direction === 'up') ? way : undefined
  }

  async refresh(): Promise<void> {
    const listed = await this.#p.source.list()
    if (this.#isClosed) return
    const ways = new Map<string, OpenedWay>()
    for (const neighbour of listed) {
      const way = this.#wayTo(neighbour, ways)
      if (way !== undefined) ways.set(neighbour.name, way)
    }
    const before = this.#ways
    this.#ways = ways
    for (const [name, old] of before) {
      if (ways.get(name)?.bus === old.bus) continue
      this.#p.log.info({ cell: name }, 'a neighbouring cell is gone or moved')
      await old.bus.close()
    }
  }

  #wayTo(neighbour: NeighbourCell, others: ReadonlyMap<string, unknown>): OpenedWay | undefined {
    const { name, transportUrl } = neighbour
    try {
      checkedName(name)
      if (others.has(name)) throw new Error('its name is there twice')
      if (name === this.ownName) throw new Error('it is called as this cell is, by [cells] name')
      const known = this.#ways.get(name)
      if (known?.neighbour.transportUrl === transportUrl) return { ...known, neighbour }
      return { neighbour, bus: this.#p.openBus(transportUrl) }
    } catch (error) {
      this.#p.log.error({ cell: name, err: error }, 'a neighbouring cell is left out')
      return undefined
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stop()
    const ways = [...this.#ways.values()]
    this.#ways = new Map()
    await Promise.all(ways.map(way => way.bus.close()))
  }
}
