import { declareFault } from '#base'
import type { Links } from './links.ts'
import type { RawQuery } from './query.ts'
import type { Link } from './words.ts'

export const BadPaging = declareFault(
  'InvalidInput',
  'refused',
  (p: { reason: string }) => `Invalid input received: ${p.reason}`,
)

export interface Page {
  /** At most max_limit; 0 is an empty page. */
  readonly limit: number
  /** Id of the last item of the page before. */
  readonly marker: string | undefined
}

/** An integer query parameter, also where no schema has looked at it. */
export function integerParameter(query: RawQuery, name: string): number | undefined {
  const text = query[name]?.at(-1)
  if (text === undefined) return undefined
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw BadPaging({ reason: `${name} must be an integer` })
  if (Number(text) < 0) throw BadPaging({ reason: `${name} must be >= 0` })
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

export function pageOf(query: RawQuery, maxLimit: number): Page {
  return { limit: Math.min(integerParameter(query, 'limit') ?? maxLimit, maxLimit), marker: query['marker']?.at(-1) }
}

/**
 * `[{rel: next}]` when the page is full, even if nothing follows; else undefined, and the key is left out of the answer.
 */
export function nextLinks<T>(
  links: Links,
  query: RawQuery,
  page: Page,
  collection: string,
  items: readonly T[],
  markerOf: (item: T) => string | number,
): Link[] | undefined {
  const last = items.at(-1)
  if (last === undefined || page.limit === 0 || items.length !== page.limit) return undefined
  return [{ rel: 'next', href: links.next(collection, query, markerOf(last)) }]
}

/** Nova's lists of keys and directions, with its defaults; a missing direction repeats the first one. */
export function sortOf(query: RawQuery, fallback: { key: string; dir: string }): { keys: string[]; dirs: string[] } {
  const trimmed = (name: string): string[] => (query[name] ?? []).map(value => value.trim())
  const keys = trimmed('sort_key')
  const dirs = trimmed('sort_dir')
  return { keys: keys.length === 0 ? [fallback.key] : keys, dirs: dirs.length === 0 ? [fallback.dir] : dirs }
}
