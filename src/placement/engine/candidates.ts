import type { AllocationRequest, CandidateQuery, Candidates, ProviderSummary } from '#cloud'
import { GroupMatch } from './group-match.ts'
import { LoneBoard } from './lone-board.ts'
import { remembered } from './name-set.ts'
import type { ProviderNode } from './provider-node.ts'
import type { Snapshot } from './snapshot.ts'
import { type Binding, type Choice, searchTree } from './tree-search.ts'

export interface SearchOptions {
  /** Below API version 1.29 a candidate may use one provider per tree only, and summaries name only providers used. */
  readonly nested: boolean
  /** Which candidates a limit keeps: all of the first trees, or one of each tree before the second of any. */
  readonly strategy: 'depth-first' | 'breadth-first'
}

export const defaultSearch: SearchOptions = { nested: true, strategy: 'depth-first' }

/** A query made ready to be asked of every tree. */
export interface PreparedQuery {
  readonly groups: readonly GroupMatch[]
  readonly binding: Binding
  readonly isAnchor: (root: ProviderNode) => boolean
}

export function prepare(snapshot: Snapshot, query: CandidateQuery): PreparedQuery {
  const groups = query.groups.map(group => new GroupMatch(group, id => snapshot.provider(id)))
  const classes = groups.flatMap(group => group.resources.map(([resourceClass]) => resourceClass))
  const rootFits = remembered(
    traits => query.rootRequired.every(name => traits.has(name)) && !traits.hasAny(query.rootForbidden),
  )
  return {
    groups,
    binding: {
      isolate: query.groupPolicy === 'isolate',
      sameSubtrees: query.sameSubtrees,
      sumsMatter: new Set(classes).size < classes.length,
    },
    isAnchor: root => rootFits(root.traits),
  }
}

/** The request of one combination, with the amounts of groups that meet on one provider added up. */
function merge(choices: readonly Choice[]): AllocationRequest {
  const allocations: Record<string, Record<string, number>> = {}
  const mappings: Record<string, readonly string[]> = {}
  for (const choice of choices) {
    mappings[choice.group.suffix] = choice.nodes.map(node => node.id)
    for (const { node, resourceClass, amount } of choice.parts) {
      const amounts = (allocations[node.id] ??= {})
      amounts[resourceClass] = (amounts[resourceClass] ?? 0) + amount
    }
  }
  return { allocations, mappings }
}

interface Found {
  readonly request: AllocationRequest
  readonly roots: readonly ProviderNode[]
  readonly nodes: readonly ProviderNode[]
}

const keyOf = (choices: readonly Choice[]): string =>
  JSON.stringify(choices.map(c => [c.group.suffix, c.nodes[0]?.key, c.parts.map(p => [p.node.key, p.resourceClass])]))

const isFlat = (choices: readonly Choice[]): boolean => {
  const nodes = new Set(choices.flatMap(choice => choice.parts.map(part => part.node)))
  return new Set([...nodes].map(node => node.root)).size === nodes.size
}

/** The common case: a tree of one provider that neither lends nor borrows takes no search. */
const isLone = (snapshot: Snapshot, root: ProviderNode): boolean =>
  root.children.size === 0 && !snapshot.isSharing(root) && snapshot.lendersOf(root).length === 0

/** The candidates of one anchor. */
function* ofAnchor(
  snapshot: Snapshot,
  query: PreparedQuery,
  anchor: ProviderNode,
  options: SearchOptions,
  seen: Set<string>,
): Generator<Found> {
  const lenders = snapshot.lendersOf(anchor)
  for (const choices of searchTree(query.groups, anchor, lenders, query.binding)) {
    if (!options.nested && !isFlat(choices)) continue
    const request = merge(choices)
    const nodes = [...new Set(choices.flatMap(choice => choice.parts.map(part => part.node)))]
    // Only what lies wholly on sharing providers can turn up under several anchors.
    if (choices.every(choice => choice.nodes.every(node => snapshot.isSharing(node)))) {
      const key = keyOf(choices)
      if (seen.has(key)) continue
      seen.add(key)
    }
    yield { request, roots: [...new Set(nodes.map(node => node.root))], nodes }
  }
}

/** One of each in turn until none has more. */
function* roundRobin<T>(sources: Generator<T>[]): Generator<T> {
  let live = sources
  while (live.length > 0) {
    const next: Generator<T>[] = []
    for (const source of live) {
      const { value, done } = source.next()
      if (done === true) continue
      yield value
      next.push(source)
    }
    live = next
  }
}

/** Collects requests and the summaries that go with them, up to the limit. */
class Harvest {
  readonly requests: AllocationRequest[] = []
  readonly summaries: Record<string, ProviderSummary> = {}
  readonly #limit: number
  readonly #nested: boolean
  readonly #trees = new Set<ProviderNode>()

  constructor(limit: number, nested: boolean) {
    this.#limit = limit
    this.#nested = nested
  }

  get full(): boolean {
    return this.requests.length >= this.#limit
  }

  /** The whole group from a tree of one. */
  addAlone(group: GroupMatch, root: ProviderNode): void {
    this.requests.push(root.requestFor(group))
    this.summaries[root.id] = root.summary
  }

  addAll(found: Iterable<Found>): void {
    for (const one of found) {
      if (this.full) break
      this.#add(one)
    }
  }

  #add(found: Found): void {
    this.requests.push(found.request)
    if (!this.#nested) {
      for (const node of found.nodes) this.summaries[node.id] = node.summary
      return
    }
    for (const root of found.roots) {
      if (this.#trees.has(root)) continue
      this.#trees.add(root)
      for (const node of root.tree) this.summaries[node.id] = node.summary
    }
  }
}

/**
 * All allocation candidates in the snapshot. Pure and synchronous; the order is that of the roots' creation.
 * The caller has checked that the names in the query exist.
 */
export function findCandidates(snapshot: Snapshot, query: CandidateQuery, options = defaultSearch): Candidates {
  return hasBoard(snapshot, query) ? boardOf(snapshot, query).answer() : searchCandidates(snapshot, query, options)
}

/** One group without a tree of its choice, in a cloud of trees of one: then all that is said of a provider is its own. */
const hasBoard = (snapshot: Snapshot, { groups, sameSubtrees }: CandidateQuery): boolean =>
  snapshot.isFlat && groups.length === 1 && groups[0]?.inTree === undefined && sameSubtrees.length === 0

function boardOf(snapshot: Snapshot, query: CandidateQuery): LoneBoard {
  return snapshot.board(JSON.stringify(query), nodes => {
    const { groups, isAnchor } = prepare(snapshot, query)
    const [group] = groups
    const ask = (node: ProviderNode) =>
      group !== undefined && isAnchor(node) && group.matchesAlone(node) ? node.requestFor(group) : undefined
    return new LoneBoard(nodes, ask, query.limit ?? Number.POSITIVE_INFINITY)
  })
}

/** Looks at every tree. */
export function searchCandidates(snapshot: Snapshot, query: CandidateQuery, options = defaultSearch): Candidates {
  const prepared = prepare(snapshot, query)
  const harvest = new Harvest(query.limit ?? Number.POSITIVE_INFINITY, options.nested)
  const seen = new Set<string>()
  const [first] = prepared.groups
  const simple = prepared.groups.length === 1 && prepared.binding.sameSubtrees.length === 0 ? first : undefined
  const waiting: Generator<Found>[] = []
  for (const anchor of snapshot.roots) {
    if (harvest.full) break
    if (!prepared.isAnchor(anchor)) continue
    if (simple !== undefined && isLone(snapshot, anchor)) {
      if (simple.matchesAlone(anchor)) harvest.addAlone(simple, anchor)
      continue
    }
    const found = ofAnchor(snapshot, prepared, anchor, options, seen)
    if (options.strategy === 'breadth-first') waiting.push(found)
    else harvest.addAll(found)
  }
  harvest.addAll(roundRobin(waiting))
  return { requests: harvest.requests, summaries: harvest.summaries }
}
