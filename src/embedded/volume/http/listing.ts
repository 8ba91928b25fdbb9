import type { JsonRecord } from '#base'
import { Invalid, invalidInput } from '../faults.ts'
import type { Exchange } from './exchange.ts'

/** Cinder's osapi_max_limit. */
const maxLimit = 1000

export type Value = string | number | boolean | null
export type Reader<Row> = (row: Row) => Value
export type Test<Row> = (row: Row) => boolean

export interface Collection<Row> {
  /** As the path names it. */
  readonly path: string
  /** Name of the links in the reply. */
  readonly links: string
  readonly idOf: (row: Row) => string
  readonly sortKeys: Readonly<Record<string, Reader<Row>>>
  readonly noMarker: (id: string) => Error
}

export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly links: JsonRecord
}

export const pagingNames = ['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'all_tenants', 'with_count']

function limitOf(query: URLSearchParams): number {
  const given = query.get('limit')
  if (given === null) return maxLimit
  if (!/^-?\d+$/.test(given)) throw Invalid({ reason: 'limit param must be an integer' })
  if (Number(given) < 0) throw Invalid({ reason: 'limit param must be positive' })
  return Math.min(Number(given), maxLimit)
}

function offsetOf(query: URLSearchParams): number {
  const given = query.get('offset') ?? '0'
  if (!/^-?\d+$/.test(given)) throw invalidInput('offset must be an integer.')
  const offset = Number(given)
  if (offset < 0) throw invalidInput('offset must be >= 0')
  if (offset > 0x7fffffff) throw invalidInput(`offset must be <= ${0x7fffffff}`)
  return offset
}

interface Order<Row> {
  readonly read: Reader<Row>
  readonly isDescending: boolean
}

function ordersOf<Row>(query: URLSearchParams, keys: Collection<Row>['sortKeys']): Order<Row>[] {
  const sort = query.get('sort')
  if (sort !== null && (query.has('sort_key') || query.has('sort_dir'))) {
    throw Invalid({
      reason: "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
    })
  }
  const pairs =
    sort === null
      ? [[query.get('sort_key') ?? 'created_at', query.get('sort_dir') ?? 'desc']]
      : sort.split(',').map(part => {
          const [key = '', direction = ''] = part.split(':')
          return [key, direction === '' ? 'desc' : direction]
        })
  return pairs.map(([key = '', direction = '']) => {
    const name = key.trim()
    const read = Object.hasOwn(keys, name) ? keys[name] : undefined
    if (read === undefined) throw invalidInput(`Sort key supplied is invalid: ${name}`)
    const way = direction.trim()
    if (way !== 'asc' && way !== 'desc') {
      throw invalidInput(`Unknown sort direction, must be one of: asc, desc`)
    }
    return { read, isDescending: way === 'desc' }
  })
}

function compare<Row>(orders: readonly Order<Row>[]): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const { read, isDescending } of orders) {
      const [left, right] = [read(a), read(b)]
      if (left === right) continue
      const isLess = left === null || (right !== null && left < right)
      return isLess === isDescending ? 1 : -1
    }
    return 0
  }
}

/** The page that the query asks for, and the link to the next one. */
export function pageOf<Row>(x: Exchange, collection: Collection<Row>, rows: readonly Row[]): Page<Row> {
  const { query } = x
  const limit = limitOf(query)
  const offset = offsetOf(query)
  const orders = ordersOf(query, collection.sortKeys)
  // Ties break by creation and id, so that pages never overlap.
  const isDescending = orders[0]?.isDescending ?? true
  const created = collection.sortKeys.created_at
  const ties = [...(created === undefined ? [] : [created]), collection.idOf].map(read => ({ read, isDescending }))
  const sorted = rows.toSorted(compare([...orders, ...ties]))
  const marker = query.get('marker')
  const from = marker === null ? 0 : sorted.findIndex(row => collection.idOf(row) === marker) + 1
  if (marker !== null && from === 0) throw collection.noMarker(marker)
  const page = sorted.slice(from + offset, from + offset + limit)
  return { rows: page, links: nextLink(x, collection, page, limit) }
}

function nextLink<Row>(x: Exchange, collection: Collection<Row>, page: readonly Row[], limit: number): JsonRecord {
  const last = page.at(-1)
  if (last === undefined || page.length < limit) return {}
  const params = new URLSearchParams(x.query)
  params.set('marker', collection.idOf(last))
  return { [collection.links]: [{ rel: 'next', href: `${x.base}/${collection.path}?${params}` }] }
}

export interface FilterRules<Row> {
  /** What everybody may filter by, as the query names it. */
  readonly forAll: readonly string[]
  readonly tests: Readonly<Record<string, (value: string, x: Exchange) => Test<Row>>>
  /** Filters that came with a microversion; before it they are left out. */
  readonly since?: Readonly<Record<string, number>>
}

/** Text filters by reading a value. */
export const equals =
  <Row>(read: Reader<Row>) =>
  (value: string): Test<Row> =>
  row =>
    String(read(row) ?? '') === value

/** 3.31 refuses what it does not know, 3.34 brought `name~`. */
export function testsOf<Row>(x: Exchange, rules: FilterRules<Row>): Test<Row>[] {
  const names = [...new Set(x.query.keys())].filter(name => !pagingNames.includes(name))
  const like = (name: string) => x.version >= 34 && name.endsWith('~')
  const allowed = (name: string) => rules.forAll.includes(like(name) ? name.slice(0, -1) : name)
  const isStrict = x.version >= 31
  const known = names.filter(name => x.version >= (rules.since?.[name] ?? 0))
  const strange = x.actor.isAdmin ? [] : known.filter(name => !allowed(name))
  if (isStrict && strange.length > 0) {
    throw Invalid({ reason: `Invalid filters ${strange.join(',')} are found in query options.` })
  }
  return known
    .filter(name => !strange.includes(name))
    .map(name => {
      const value = x.query.get(name) ?? ''
      if (like(name)) return likeTest(x, rules, name.slice(0, -1), value)
      const test = Object.hasOwn(rules.tests, name) ? rules.tests[name] : undefined
      // An administrator may ask for anything; nothing has what nobody knows.
      return test?.(value, x) ?? (() => false)
    })
}

function likeTest<Row>(x: Exchange, rules: FilterRules<Row>, name: string, value: string): Test<Row> {
  const reader = likeReaders[name]
  if (reader === undefined) return rules.tests[name]?.(value, x) ?? (() => false)
  return row => String(Reflect.get(Object(row), reader) ?? '').includes(value)
}
const likeReaders: Readonly<Record<string, string>> = { name: 'name', description: 'description', status: 'status' }

/** `{'key': 'value'}` as Python writes it, or JSON. */
export function literalOf(text: string): Record<string, string> {
  const json = text.replaceAll(/\bu'/g, "'").replaceAll("'", '"')
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, String(v)]))
      : {}
  } catch {
    throw invalidInput(`Invalid filter value ${text}`)
  }
}

export const hasAll = (map: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => map[key] === value)

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
}

/** `gte:2026-01-31T12:00:00,lt:…` */
export function timeTest<Row>(name: string, read: (row: Row) => number | null) {
  return (value: string): Test<Row> => {
    const tests = value.split(',').map(part => {
      const [operator = '', ...rest] = part.split(':')
      const compareTimes = comparisons[operator]
      if (compareTimes === undefined) throw Invalid({ reason: `Invalid ${operator} operator` })
      const time = rest.join(':')
      const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`)
      if (Number.isNaN(at)) throw Invalid({ reason: `Invalid ${time} value` })
      return (ms: number) => compareTimes(Math.floor(ms / 1000), Math.floor(at / 1000))
    })
    return row => {
      const ms = read(row)
      return ms !== null && tests.every(test => test(ms))
    }
  }
}
