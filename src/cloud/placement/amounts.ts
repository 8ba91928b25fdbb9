import type { Allocations } from './port.ts'

/** Both together. */
export function sum(a: Allocations, b: Allocations): Allocations {
  const total: Record<string, Record<string, number>> = Object.fromEntries(
    Object.entries(a).map(([id, amounts]) => [id, { ...amounts }]),
  )
  for (const [id, amounts] of Object.entries(b)) {
    const own = (total[id] ??= {})
    for (const [name, amount] of Object.entries(amounts)) own[name] = (own[name] ?? 0) + amount
  }
  return total
}

/** Without these amounts; classes and providers of which nothing is left are left out. */
export function difference(a: Allocations, b: Allocations): Allocations {
  const left = Object.entries(a).map(([id, amounts]) => {
    const own = Object.entries(amounts).map(([name, amount]) => [name, amount - (b[id]?.[name] ?? 0)] as const)
    return [id, Object.fromEntries(own.filter(([, amount]) => amount > 0))] as const
  })
  return Object.fromEntries(left.filter(([, amounts]) => Object.keys(amounts).length > 0))
}
