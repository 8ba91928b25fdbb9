import { type Clock, every, type Log, SerialQueue } from '#base'
import type { NovaCells } from '#store'
import type { CellMethods } from '../messages/methods.ts'
import type { CellRouter } from '../messages/router.ts'
import { inverted, namesOf, pathOf } from '../names.ts'
import type { CellTree } from '../tree/tree.ts'
import type { CellState } from './cell-state.ts'
import { announceCapacities, updateCapabilities, updateCapacities } from './methods.ts'

export interface AnnouncerParts {
  readonly tree: CellTree
  readonly state: CellState
  readonly cells: NovaCells
  readonly router: CellRouter
  /** `mute_child_interval`, which is the parents' as well. */
  readonly muteAfterMs: number
  readonly clock: Clock
  readonly log: Log
}

/** Nova's interval of periodic tasks: parents hear of a child at least so often. */
const longestMs = 60_000
/** A change of what there is room for is told this soon. */
const longestLookMs = 5_000
/** Times that a child is heard before its parents call it mute. */
const timesUnlessMute = 3

/** Tells the parents what there is here and below, and asks the children. */
export class Announcer {
  readonly #p: AnnouncerParts
  readonly #telling = new SerialQueue()
  readonly #asking = new SerialQueue()
  readonly #announceMs: number
  #told: { readonly what: string; readonly atMs: number } | undefined
  #asked: { readonly sizes: string; readonly atMs: number } | undefined
  readonly #stops: (() => void)[] = []

  constructor(parts: AnnouncerParts) {
    this.#p = parts
    this.#announceMs = Math.min(longestMs, parts.muteAfterMs / timesUnlessMute)
  }

  /** What neighbours tell and ask. */
  addMethods(methods: CellMethods): void {
    const { cells, clock } = this.#p
    const heard = async (name: string, told: Parameters<NovaCells['children']['heard']>[1]) => {
      if (this.#p.tree.way('down', name) !== undefined) await cells.children.heard(name, told, clock.now())
      return null
    }
    methods
      .add(updateCapabilities, ({ capabilities }, { routingPath }) => heard(childOf(routingPath), { capabilities }))
      .add(updateCapacities, ({ capacities }, { routingPath }) => heard(childOf(routingPath), { capacities }))
      .add(announceCapacities, async ({ sizes }) => {
        await cells.sizes.keep(sizes, clock.now())
        this.#told = undefined
        this.poke()
        return null
      })
  }

  start(): void {
    const ms = Math.min(longestLookMs, this.#announceMs / 2)
    this.poke()
    for (const look of [() => this.#tellSoon(), () => this.#askSoon()]) {
      this.#stops.push(every(this.#p.clock, ms, look, error => this.#warn(error)))
    }
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  /** Soon. */
  poke(): void {
    for (const work of [this.#tellSoon(), this.#askSoon()]) work.catch(error => this.#warn(error))
  }

  #warn(error: unknown): void {
    this.#p.log.warn({ err: error }, 'neighbouring cells do not know what this cell has')
  }

  /** One at a time: two would tell the parents in any order. A child that is away holds up no parent. */
  #tellSoon(): Promise<void> {
    return this.#telling.run(() => this.#tell())
  }

  #askSoon(): Promise<void> {
    return this.#asking.run(() => this.#ask())
  }

  async #tell(): Promise<void> {
    const { tree, state, clock, router } = this.#p
    if (tree.parents.length === 0) return
    const { capabilities, capacities } = await state.own()
    const what = JSON.stringify([capabilities, capacities])
    const before = this.#told
    if (before?.what === what && clock.now() - before.atMs < this.#announceMs) return
    for (const { name } of tree.parents) {
      const parent = pathOf(tree.ownName, name)
      await router.call(parent, updateCapabilities, { cell_name: tree.ownName, capabilities })
      await router.call(parent, updateCapacities, { cell_name: tree.ownName, capacities })
    }
    this.#told = { what, atMs: clock.now() }
  }

  async #ask(): Promise<void> {
    const { tree, state, clock, router } = this.#p
    if (tree.children.length === 0) return
    const sizes = await state.sizes()
    const text = JSON.stringify(sizes)
    const before = this.#asked
    if (before?.sizes === text && clock.now() - before.atMs < this.#announceMs) return
    const answers = await router.broadcast('down', announceCapacities, { sizes }, { runLocally: false, triesAll: true })
    for (const { cell, outcome } of answers) {
      if ('fault' in outcome) this.#p.log.warn({ cell, err: outcome.fault }, 'a cell cannot be asked what it has')
    }
    this.#asked = { sizes: text, atMs: clock.now() }
  }
}

/** The one that has sent it: the last before this cell. */
const childOf = (routingPath: string): string => namesOf(inverted(routingPath))[1] ?? ''
