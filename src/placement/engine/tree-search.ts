import { fits, wholeCapacity } from './capacity.ts'
import type { GroupMatch } from './group-match.ts'
import type { ProviderNode } from './provider-node.ts'

/** One provider's part of a group. */
export interface Part {
  readonly node: ProviderNode
  readonly resourceClass: string
  readonly amount: number
}

/** One way to satisfy one group: where each class comes from, and whom it uses (a resourceless group uses one too). */
export interface Choice {
  readonly group: GroupMatch
  readonly parts: readonly Part[]
  readonly nodes: readonly ProviderNode[]
}

/** What holds across the groups of a query. */
export interface Binding {
  readonly isolate: boolean
  readonly sameSubtrees: readonly (readonly string[])[]
  /** Some class is asked for by two groups, so their sum must be checked again. */
  readonly sumsMatter: boolean
}

/** Providers that can give `amount` of a class to the unsuffixed group of this anchor's tree. */
function givers(
  group: GroupMatch,
  anchor: ProviderNode,
  lenders: readonly ProviderNode[],
  part: readonly [string, number],
) {
  const [resourceClass, amount] = part
  const can = (node: ProviderNode) => {
    const stock = node.stocks.get(resourceClass)
    return stock !== undefined && fits(stock, amount) && !group.hasForbidden(node.traits) && group.mayUse(node, anchor)
  }
  const found = anchor.tree.filter(can)
  // Other trees' shares are out of reach when the query names the tree; a lender must itself be in the aggregates.
  if (group.onlyRoot !== undefined) return found
  for (const lender of lenders) if (group.isMember(lender.aggregates) && can(lender)) found.push(lender)
  return found
}

const coversTraits = (group: GroupMatch, nodes: readonly ProviderNode[]): boolean =>
  group.group.required.every(names => nodes.some(node => node.traits.hasAny(names)))

/** Every way to spread the unsuffixed group over the anchor's tree and what is lent to it. */
function* spread(group: GroupMatch, anchor: ProviderNode, lenders: readonly ProviderNode[]): Generator<Choice> {
  if (group.onlyRoot !== undefined && group.onlyRoot !== anchor) return
  const columns: ProviderNode[][] = []
  for (const part of group.resources) {
    const found = givers(group, anchor, lenders, part)
    if (found.length === 0) return
    columns.push(found)
  }
  const picks = columns.map(() => 0)
  for (;;) {
    const chosen = picks.map((pick, column) => columns[column]?.[pick] as ProviderNode)
    const nodes = [...new Set(chosen)]
    if (coversTraits(group, nodes)) {
      const parts = chosen.map((node, i) => {
        const [resourceClass, amount] = group.resources[i] as readonly [string, number]
        return { node, resourceClass, amount }
      })
      yield { group, parts, nodes }
    }
    // Count up like an odometer, last column fastest.
    let column = picks.length - 1
    for (; column >= 0; column--) {
      const next = (picks[column] ?? 0) + 1
      picks[column] = next < (columns[column]?.length ?? 0) ? next : 0
      if (picks[column] !== 0) break
    }
    if (column < 0) return
  }
}

/** Every provider in the anchor's tree or lent to it that satisfies a suffixed group alone. */
function* alone(group: GroupMatch, anchor: ProviderNode, lenders: readonly ProviderNode[]): Generator<Choice> {
  for (const nodes of [anchor.tree, lenders]) {
    for (const node of nodes) {
      if (!group.matchesAlone(node)) continue
      const parts = group.resources.map(([resourceClass, amount]) => ({ node, resourceClass, amount }))
      yield { group, parts, nodes: [node] }
    }
  }
}

const isIsolated = (chosen: readonly Choice[], next: Choice): boolean =>
  next.group.suffix === '' || chosen.every(choice => choice.group.suffix === '' || choice.nodes[0] !== next.nodes[0])

/** One of the providers used by these groups is the ancestor of all of them. */
function isSubtree(chosen: readonly Choice[], suffixes: readonly string[]): boolean {
  const nodes = chosen.filter(choice => suffixes.includes(choice.group.suffix)).flatMap(choice => choice.nodes)
  return nodes.some(top => nodes.every(node => top.isAncestorOrSelf(node)))
}

/** Groups that ask the same provider for the same class may fit one by one and not together. */
function fitsTogether(chosen: readonly Choice[]): boolean {
  const sums = new Map<ProviderNode, Map<string, number>>()
  for (const { node, resourceClass, amount } of chosen.flatMap(choice => choice.parts)) {
    let amounts = sums.get(node)
    if (amounts === undefined) sums.set(node, (amounts = new Map()))
    const sum = (amounts.get(resourceClass) ?? 0) + amount
    amounts.set(resourceClass, sum)
    const stock = node.stocks.get(resourceClass)
    if (stock === undefined || stock.used + sum > wholeCapacity(stock) || sum > stock.maxUnit) return false
  }
  return true
}

/** Every combination of choices, one per group, for one anchor; each yielded array is fresh. */
export function* searchTree(
  groups: readonly GroupMatch[],
  anchor: ProviderNode,
  lenders: readonly ProviderNode[],
  binding: Binding,
): Generator<readonly Choice[]> {
  const options: Choice[][] = []
  for (const group of groups) {
    const found = [...(group.suffix === '' ? spread : alone)(group, anchor, lenders)]
    if (found.length === 0) return
    options.push(found)
  }
  yield* combine(options, [], binding)
}

function* combine(
  options: readonly Choice[][],
  chosen: readonly Choice[],
  binding: Binding,
): Generator<readonly Choice[]> {
  const next = options[chosen.length]
  if (next === undefined) {
    if (!binding.sameSubtrees.every(suffixes => isSubtree(chosen, suffixes))) return
    if (binding.sumsMatter && !fitsTogether(chosen)) return
    yield chosen
    return
  }
  for (const choice of next) {
    if (binding.isolate && !isIsolated(chosen, choice)) continue
    yield* combine(options, [...chosen, choice], binding)
  }
}
