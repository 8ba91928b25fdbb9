import type { ListedServer, SortWish } from '#bus'
import { comparePlaces, sortValues } from './order.ts'

type Server = ListedServer['server']

/** Pages of several cells as one. The order within a cell is kept, whatever it was made by. */
export function mergePages(
  pages: readonly { readonly cell: string; readonly servers: readonly Server[] }[],
  sort: readonly SortWish[],
  limit: number,
): readonly ListedServer[] {
  const heads = pages.map(({ cell, servers }) => ({ cell, servers, at: 0 }))
  const placeOf = (head: (typeof heads)[number]) => ({
    cell: head.cell,
    values: sortValues(head.servers[head.at], sort),
  })
  const merged: ListedServer[] = []
  while (merged.length < limit) {
    const left = heads.filter(head => head.at < head.servers.length)
    const [first, ...others] = left
    if (first === undefined) break
    const best = others.reduce((a, b) => (comparePlaces(placeOf(b), placeOf(a), sort) < 0 ? b : a), first)
    merged.push({ cell: best.cell, server: best.servers[best.at] ?? {} })
    best.at++
  }
  return merged
}
