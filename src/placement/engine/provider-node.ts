import type { AllocationRequest, Provider, ProviderSummary } from '#cloud'
import { type Stock, wholeCapacity } from './capacity.ts'
import type { NameSet } from './name-set.ts'

/** Flavors in use at a time, more or less: requests remembered per provider. */
const rememberedRequests = 8

/** A resource provider in memory, linked to its tree. Changed only by the snapshot that owns it. */
export class ProviderNode {
  /** The row's id. */
  readonly key: number
  readonly id: string
  name: string
  generation: number
  updatedAtMs: number
  parent: ProviderNode | null = null
  root: ProviderNode = this
  readonly children = new Set<ProviderNode>()
  stocks: ReadonlyMap<string, Stock> = new Map()
  traits: NameSet
  aggregates: NameSet
  /** Of a root only: everyone in its tree, parents before children; rebuilt when the tree changes. */
  #tree: readonly ProviderNode[] | undefined
  #summary: ProviderSummary | undefined
  readonly #requests = new Map<string, AllocationRequest>()

  constructor(row: { key: number; uuid: string; name: string }, none: NameSet) {
    this.key = row.key
    this.id = row.uuid
    this.name = row.name
    this.generation = 0
    this.updatedAtMs = 0
    this.traits = none
    this.aggregates = none
  }

  get tree(): readonly ProviderNode[] {
    if (this.#tree === undefined) {
      const members: ProviderNode[] = [this]
      // The array grows under the loop: breadth first, so parents come before children.
      for (const member of members) members.push(...member.children)
      this.#tree = members
    }
    return this.#tree
  }

  forgetTree(): void {
    this.#tree = undefined
  }

  /** For Placement's answers; kept until the provider changes. */
  get summary(): ProviderSummary {
    this.#summary ??= {
      rootId: this.root.id,
      parentId: this.parent?.id ?? null,
      resources: Object.fromEntries(
        [...this.stocks.values()].map(s => [s.resourceClass, { capacity: wholeCapacity(s), used: s.used }]),
      ),
      traits: this.traits.list,
    }
    return this.#summary
  }

  forgetSummary(): void {
    this.#summary = undefined
  }

  /**
   * The request that takes a whole group from this provider. It depends on nothing that changes, and an object with a
   * key of its own per provider is the dearest thing in a large answer (half a microsecond), so it is kept.
   */
  requestFor(group: {
    signature: string
    suffix: string
    amounts: Readonly<Record<string, number>>
  }): AllocationRequest {
    let request = this.#requests.get(group.signature)
    if (request === undefined) {
      request = { allocations: { [this.id]: group.amounts }, mappings: { [group.suffix]: [this.id] } }
      if (this.#requests.size >= rememberedRequests) this.#requests.clear()
      this.#requests.set(group.signature, request)
    }
    return request
  }

  isAncestorOrSelf(of: ProviderNode): boolean {
    for (let node: ProviderNode | null = of; node !== null; node = node.parent) if (node === this) return true
    return false
  }

  get asProvider(): Provider {
    const { id, name, generation } = this
    return { id, name, generation, parentId: this.parent?.id ?? null, rootId: this.root.id }
  }
}
