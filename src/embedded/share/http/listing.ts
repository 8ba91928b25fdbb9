import type { JsonRecord } from '#base'
import { flagOf } from '#http'
import { Invalid } from '../faults.ts'
import { type Exchange } from './exchange.ts'

const maxLimit = 1000

type Value = string | number
export type Reader<Row> = (row: Row) => Value

function numberOf(query: URLSearchParams, name: string, missing: number): number {
  const text = query.get(name)
  if (text === null) return missing
  if (!/^\d{1,9}$/.test(text)) throw Invalid({ reason: `${name} param must be an integer` })
  return Number(text)
}

export interface Listed<Row> {
  /** As the path names it. */
  readonly path: string
  /** As the reply names it. */
  readonly name: string
  readonly sortKeys: Readonly<Record<string, Reader<Row>>>
  readonly view: (row: Row) => unknown
}

/** The page that limit and offset mean, sorted, with the link to the next one and the count if it is asked for. */
export function pageOf<Row>(
  x: Exchange,
  { path, name, sortKeys, view }: Listed<Row>,
  rows: readonly Row[],
): JsonRecord {
  const { query } = x
  const limit = Math.min(numberOf(query, 'limit', maxLimit), maxLimit)
  const offset = numberOf(query, 'offset', 0)
  const key = query.get('sort_key') ?? 'created_at'
  const read = Object.hasOwn(sortKeys, key) ? sortKeys[key] : undefined
  if (read === undefined) throw Invalid({ reason: `Parameter 'sort_key' is invalid: ${key}` })
  const way = (query.get('sort_dir') ?? 'desc').toLowerCase()
  if (way !== 'asc' && way !== 'desc') throw Invalid({ reason: `Parameter 'sort_dir' is invalid: ${way}` })
  const sign = way === 'asc' ? 1 : -1
  const sorted = rows.toSorted((a, b) => (read(a) < read(b) ? -sign : read(a) > read(b) ? sign : 0))
  const page = limit === 0 ? [] : sorted.slice(offset, offset + limit)
  const next = new URLSearchParams(query)
  next.set('offset', String(offset + limit))
  const hasMore = limit > 0 && offset + limit < rows.length
  return {
    [name]: page.map(view) as never,
    ...(hasMore ? { [`${name}_links`]: [{ rel: 'next', href: `${x.base}/${path}?${next}` }] } : {}),
    ...(flagOf(query, 'with_count') ? { count: rows.length } : {}),
  }
}
