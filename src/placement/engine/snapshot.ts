import { sharesViaAggregate } from '#model'
import type { Changes, ProviderRows } from '../store/load.ts'
import type { Stock } from './capacity.ts'
import { NameTable } from './dictionary.ts'
import type { LoneBoard } from './lone-board.ts'
import { NameSets } from './name-set.ts'
import { ProviderNode } from './provider-node.ts'

/** Flavors and images in use at a time, more or less. */
const keptBoards = 8

/**
 * All of Placement except the consumers, in memory, as of `value` of the change counter. Whoever holds it reads it
 * without waiting in between: the ledger changes it in place.
 */
export class Snapshot {
  /** The counter's value this stands for; -1 when nothing was read yet. */
  value = -1
  /** The counter's value at which the dictionaries were read. */
  names = -1
  classes = new NameTable([])
  traits = new NameTable([])

  readonly #byKey = new Map<number, ProviderNode>()
  readonly #byId = new Map<string, ProviderNode>()
  readonly #byName = new Map<string, ProviderNode>()
  readonly #roots = new Map<number, ProviderNode>()
  readonly #sharing = new Set<ProviderNode>()
  readonly #members = new Map<string, Set<ProviderNode>>()
  readonly #traitSets = new NameSets()
  readonly #aggregateSets = new NameSets()
  readonly #none = this.#traitSets.of([])
  /** Root -> sharing providers of other trees it can draw from; rebuilt when aggregates, traits or trees change. */
  #lenders: ReadonlyMap<ProviderNode, readonly ProviderNode[]> | undefined

  /** Answers to questions that were asked lately, by the question; in order of use. */
  readonly #boards = new Map<string, LoneBoard>()

  /** Every provider is a tree of its own and none lends to others. */
  get isFlat(): boolean {
    return this.#sharing.size === 0 && this.#roots.size === this.#byKey.size
  }

  /** The board of this question; only while the snapshot is flat. */
  board(question: string, make: (nodes: readonly ProviderNode[]) => LoneBoard): LoneBoard {
    const board = this.#boards.get(question) ?? make([...this.#roots.values()])
    this.#boards.delete(question)
    this.#boards.set(question, board)
    if (this.#boards.size > keptBoards)
      for (const oldest of [...this.#boards.keys()].slice(0, 1)) this.#boards.delete(oldest)
    return board
  }

  provider(id: string): ProviderNode | undefined {
    return this.#byId.get(id)
  }

  providerNamed(name: string): ProviderNode | undefined {
    return this.#byName.get(name)
  }

  providerByKey(key: number): ProviderNode | undefined {
    return this.#byKey.get(key)
  }

  get providers(): Iterable<ProviderNode> {
    return this.#byKey.values()
  }

  get size(): number {
    return this.#byKey.size
  }

  get roots(): Iterable<ProviderNode> {
    return this.#roots.values()
  }

  isSharing(node: ProviderNode): boolean {
    return this.#sharing.has(node)
  }

  membersOf(aggregate: string): Iterable<ProviderNode> {
    return this.#members.get(aggregate) ?? []
  }

  /** Sharing providers outside this root's tree whose inventory the tree may use. */
  lendersOf(root: ProviderNode): readonly ProviderNode[] {
    if (this.#sharing.size === 0) return []
    this.#lenders ??= this.#findLenders()
    return this.#lenders.get(root) ?? []
  }

  #findLenders(): Map<ProviderNode, ProviderNode[]> {
    const found = new Map<ProviderNode, Set<ProviderNode>>()
    for (const lender of [...this.#sharing].sort((a, b) => a.key - b.key)) {
      for (const aggregate of lender.aggregates.list) {
        for (const member of this.membersOf(aggregate)) {
          if (member.root === lender.root) continue
          const lenders = found.get(member.root)
          if (lenders === undefined) found.set(member.root, new Set([lender]))
          else lenders.add(lender)
        }
      }
    }
    return new Map([...found].map(([root, lenders]) => [root, [...lenders]]))
  }

  /** Takes in what the database says changed. */
  apply(changes: Changes): void {
    this.#lenders = undefined
    const isKnown = changes.providers.every(row => row.parentKey === null && this.#roots.has(row.key))
    if (changes.removedKeys.length > 0 || !isKnown) this.#boards.clear()
    for (const key of changes.removedKeys) this.#remove(key)
    // Names may have been swapped between two providers, so all old ones go before the new ones come.
    for (const row of changes.providers) {
      const known = this.#byKey.get(row.key)
      if (known !== undefined && this.#byName.get(known.name) === known) this.#byName.delete(known.name)
    }
    for (const row of changes.providers) this.#put(row)
    // A parent may have been read after its child.
    for (const row of changes.providers) this.#link(row)
    for (const row of changes.providers) this.#touch(this.#byKey.get(row.key))
  }

  #touch(node: ProviderNode | undefined): void {
    if (node !== undefined) for (const board of this.#boards.values()) board.touch(node)
  }

  #put(row: ProviderRows): void {
    let node = this.#byKey.get(row.key)
    if (node === undefined) {
      node = new ProviderNode(row, this.#none)
      this.#byKey.set(row.key, node)
      this.#byId.set(row.uuid, node)
    }
    node.name = row.name
    this.#byName.set(row.name, node)
    node.generation = row.generation
    node.updatedAtMs = row.updatedAtMs
    node.stocks = this.#stocks(row)
    node.traits = this.#traitSets.of(row.traitIds.map(id => this.traits.name(id)))
    if (node.traits.has(sharesViaAggregate)) this.#sharing.add(node)
    else this.#sharing.delete(node)
    const aggregates = this.#aggregateSets.of(row.aggregates)
    if (aggregates !== node.aggregates) {
      this.#leaveAggregates(node)
      node.aggregates = aggregates
      for (const aggregate of aggregates.list) {
        const members = this.#members.get(aggregate)
        if (members === undefined) this.#members.set(aggregate, new Set([node]))
        else members.add(node)
      }
    }
  }

  #stocks(row: ProviderRows): Map<string, Stock> {
    const used = new Map(row.usages.map(usage => [usage.classId, usage.used]))
    const stocks = new Map<string, Stock>()
    for (const { classId, ...inventory } of [...row.inventories].sort((a, b) => a.classId - b.classId)) {
      const resourceClass = this.classes.name(classId)
      stocks.set(resourceClass, { ...inventory, resourceClass, used: used.get(classId) ?? 0 })
    }
    return stocks
  }

  #link(row: ProviderRows): void {
    const node = this.#byKey.get(row.key)
    const parent = row.parentKey === null ? null : (this.#byKey.get(row.parentKey) ?? null)
    const root = this.#byKey.get(row.rootKey)
    if (node === undefined || root === undefined) throw new Error('a provider was read without its root')
    node.root.forgetTree()
    node.parent?.children.delete(node)
    node.parent = parent
    node.root = root
    parent?.children.add(node)
    if (parent === null) this.#roots.set(node.key, node)
    else this.#roots.delete(node.key)
    node.forgetTree()
    root.forgetTree()
    node.forgetSummary()
  }

  #remove(key: number): void {
    const node = this.#byKey.get(key)
    if (node === undefined) return
    this.#byKey.delete(key)
    this.#byId.delete(node.id)
    if (this.#byName.get(node.name) === node) this.#byName.delete(node.name)
    this.#roots.delete(key)
    this.#sharing.delete(node)
    this.#leaveAggregates(node)
    node.parent?.children.delete(node)
    node.root.forgetTree()
  }

  #leaveAggregates(node: ProviderNode): void {
    for (const aggregate of node.aggregates.list) {
      const members = this.#members.get(aggregate)
      members?.delete(node)
      if (members?.size === 0) this.#members.delete(aggregate)
    }
  }

  /** What a committed write of allocations did to one provider. */
  applyUsage(node: ProviderNode, deltas: ReadonlyMap<string, number>, bumped: boolean, nowMs: number): void {
    for (const [resourceClass, delta] of deltas) {
      const stock = node.stocks.get(resourceClass)
      if (stock !== undefined) stock.used += delta
    }
    if (bumped) {
      node.generation++
      node.updatedAtMs = nowMs
    }
    node.forgetSummary()
    this.#touch(node)
  }
}
