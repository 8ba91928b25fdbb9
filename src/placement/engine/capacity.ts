import type { Inventory } from '#cloud'

/** One class of one provider: what there is and what is taken. */
export interface Stock extends Inventory {
  readonly resourceClass: string
  readonly updatedAtMs: number
  used: number
}

/** What may be handed out in all; a float, compared as such: 3 * 1.5 lets 4 through and 5 not. */
export const capacity = (stock: Inventory): number => (stock.total - stock.reserved) * stock.allocationRatio

/** The number shown to people and in summaries. */
export const wholeCapacity = (stock: Inventory): number => Math.trunc(capacity(stock))

export const fitsUnits = (stock: Inventory, amount: number): boolean =>
  amount >= stock.minUnit && amount <= stock.maxUnit && amount % stock.stepSize === 0

export const fits = (stock: Stock, amount: number): boolean =>
  stock.used + amount <= capacity(stock) && fitsUnits(stock, amount)

/** Why an amount does not fit, in words with numbers; undefined when it does. */
export function whyNot(resourceClass: string, stock: Stock | undefined, amount: number): string | undefined {
  if (stock === undefined) return `${resourceClass}: ${amount} needed, the provider has none`
  if (stock.used + amount > capacity(stock)) {
    const free = Math.max(0, wholeCapacity(stock) - stock.used)
    return `${resourceClass}: ${amount} needed, ${free} free of ${stock.total} (allocation ratio ${stock.allocationRatio}, reserved ${stock.reserved})`
  }
  if (amount < stock.minUnit)
    return `${resourceClass}: ${amount} needed, at least ${stock.minUnit} can be had at a time`
  if (amount > stock.maxUnit) return `${resourceClass}: ${amount} needed, at most ${stock.maxUnit} can be had at a time`
  if (amount % stock.stepSize !== 0)
    return `${resourceClass}: ${amount} needed, only multiples of ${stock.stepSize} can be had`
  return undefined
}
