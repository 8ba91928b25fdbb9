/** Cells of a tree in one process, each with a bus of its own: only routers reach those of neighbours. */
import { silentLog, systemClock } from '#base'
import { InProcessBus, intercellContract } from '#bus'
import type { NeighbourSource } from '../tree/neighbour.ts'
import { CellTree } from '../tree/tree.ts'
import { CellMethods } from './methods.ts'
import { CellRouter } from './router.ts'

export interface TestCell {
  readonly name: string
  readonly bus: InProcessBus
  readonly methods: CellMethods
  readonly router: CellRouter
  readonly tree: CellTree
  close(): Promise<void>
}

export const contract = intercellContract('cells.intercell')

export const neighbour = (name: string, isParent = false, transportUrl = name) => ({
  name,
  isParent,
  transportUrl,
  weightOffset: 0,
  weightScale: 1,
})

/** Buses by the name of their cell, which is their transport URL here. */
export class Forest {
  readonly #buses = new Map<string, InProcessBus>()
  readonly #cells: TestCell[] = []

  bus(name: string): InProcessBus {
    const bus = this.#buses.get(name) ?? new InProcessBus()
    this.#buses.set(name, bus)
    return bus
  }

  async cell(
    name: string,
    {
      parent,
      children = [],
      server = `${name}-1`,
      callTimeoutMs = 5_000,
      maxHopCount = 10,
      at = name,
    }: {
      parent?: string
      children?: readonly string[]
      server?: string
      callTimeoutMs?: number
      maxHopCount?: number
      /** The bus it serves on, when neighbours reach another. */
      at?: string
    } = {},
  ): Promise<TestCell> {
    const parents = parent === undefined ? [] : [neighbour(parent, true)]
    const source: NeighbourSource = { list: async () => [...parents, ...children.map(child => neighbour(child))] }
    const parts = { clock: systemClock, log: silentLog }
    const openBus = (url: string) => {
      const { serve, client } = this.bus(url)
      const bus = this.bus(url)
      return {
        serve: serve.bind(bus) as typeof serve,
        client: client.bind(bus) as typeof client,
        close: async () => undefined,
      }
    }
    const tree = new CellTree({ ...parts, ownName: name, source, openBus, refreshMs: 60_000 })
    await tree.start()
    const methods = new CellMethods()
    const bus = this.bus(at)
    const router = new CellRouter({ ...parts, tree, methods, bus, contract, server, maxHopCount, callTimeoutMs })
    const stop = router.serve()
    const close = async () => {
      stop()
      router.close()
      await tree.close()
    }
    const cell = { name, bus, methods, router, tree, close }
    this.#cells.push(cell)
    return cell
  }

  async close(): Promise<void> {
    for (const cell of this.#cells) await cell.close()
  }
}
