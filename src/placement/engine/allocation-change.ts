import { capacity, fitsUnits, type Stock, whyNot } from './capacity.ts'
import type { ProviderNode } from './provider-node.ts'

/** One amount that a consumer wants, or had. */
export interface Holding {
  readonly node: ProviderNode
  readonly resourceClass: string
  readonly amount: number
}

/** What a set of allocation changes does to the providers. */
export interface UsageChange {
  /** Amounts gained (or lost) by class, for every provider touched. */
  readonly deltas: ReadonlyMap<ProviderNode, ReadonlyMap<string, number>>
  /** The provider of a refusal and why, in words with numbers. */
  readonly refusal?: Refusal
}

export interface Refusal {
  readonly node: ProviderNode
  readonly resourceClass: string
  /** No such inventory; amounts the inventory never gives; or not enough left. */
  readonly kind: 'inventory' | 'units' | 'capacity'
  readonly reason: string
}

function add(deltas: Map<ProviderNode, Map<string, number>>, holding: Holding, sign: 1 | -1): number {
  let amounts = deltas.get(holding.node)
  if (amounts === undefined) deltas.set(holding.node, (amounts = new Map()))
  const sum = (amounts.get(holding.resourceClass) ?? 0) + sign * holding.amount
  amounts.set(holding.resourceClass, sum)
  return sum
}

/**
 * Replaces `old` holdings by `wanted` ones, all consumers of one request together, and says what that means for each
 * provider, or the first thing that forbids it. Pure: the nodes are only read. `stockOf` lets a reshape weigh against
 * inventories that are about to be.
 */
export function weighChange(
  old: readonly Holding[],
  wanted: readonly Holding[],
  stockOf: (node: ProviderNode, resourceClass: string) => Stock | undefined = (node, name) => node.stocks.get(name),
): UsageChange {
  const deltas = new Map<ProviderNode, Map<string, number>>()
  for (const holding of old) add(deltas, holding, -1)
  for (const holding of wanted) {
    const { node, resourceClass, amount } = holding
    const stock = stockOf(node, resourceClass)
    const delta = add(deltas, holding, 1)
    if (stock === undefined) {
      return {
        deltas,
        refusal: { node, resourceClass, kind: 'inventory', reason: whyNot(resourceClass, stock, amount) ?? '' },
      }
    }
    if (fitsUnits(stock, amount) && stock.used + delta <= capacity(stock)) continue
    const kind = fitsUnits(stock, amount) ? 'capacity' : 'units'
    const before = { ...stock, used: kind === 'units' ? 0 : stock.used + delta - amount }
    return { deltas, refusal: { node, resourceClass, kind, reason: whyNot(resourceClass, before, amount) ?? '' } }
  }
  return { deltas }
}
