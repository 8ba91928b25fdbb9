import type { Json } from '#base'
import { BadRequest, InvalidInput } from '../faults.ts'
import { isObject } from './attributes.ts'

/** Filters, order, pages and fields of a list. Works on what the caller may see anyway, so it can leak nothing. */

export type Fields = { [key: string]: Json }
export type Wire = { id: string } & Fields

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export const valuesOf = (query: Query, name: string): readonly string[] => {
  const value = query[name]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

const reserved = new Set(['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse'])
const tagFilters = ['tags', 'tags-any', 'not-tags', 'not-tags-any'] as const

const truths: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

/** `fixed_ips=ip_address=10.0.0.5`: one key of a list of objects. */
function matchesMember(item: Json, wanted: string): boolean {
  if (!isObject(item)) return String(item) === wanted
  const [key = '', ...rest] = wanted.split('=')
  const value = rest.join('=')
  if (key === 'ip_address_substr') return String(item.ip_address ?? '').includes(value)
  return String(item[key] ?? '') === value
}

function matches(actual: Json | undefined, wanted: string): boolean {
  if (actual === undefined) return false
  if (actual === null) return wanted === '' || wanted === 'None' || wanted === 'null'
  if (typeof actual === 'boolean') return truths[wanted.toLowerCase()] === actual
  if (Array.isArray(actual)) return actual.some(item => matchesMember(item, wanted))
  return String(actual) === wanted
}

function matchesTags(wire: Fields, name: (typeof tagFilters)[number], wanted: readonly string[]): boolean {
  const tags = Array.isArray(wire.tags) ? wire.tags : []
  const names = wanted.flatMap(text => text.split(','))
  const all = names.every(tag => tags.includes(tag))
  const any = names.some(tag => tags.includes(tag))
  return { tags: all, 'tags-any': any, 'not-tags': !all, 'not-tags-any': !any }[name]
}

export function filterWires<W extends Fields>(
  wires: readonly W[],
  query: Query,
  known: ReadonlySet<string>,
): readonly W[] {
  const names = Object.keys(query).filter(name => !reserved.has(name))
  const strange = names.filter(name => !known.has(name) && !tagFilters.some(filter => filter === name))
  if (strange.length > 0) {
    throw InvalidInput({ reason: `${JSON.stringify(strange).replaceAll('"', "'")} is invalid attribute for filtering` })
  }
  return wires.filter(wire =>
    names.every(name => {
      const wanted = valuesOf(query, name)
      const tagFilter = tagFilters.find(filter => filter === name)
      if (tagFilter !== undefined) return matchesTags(wire, tagFilter, wanted)
      return wanted.some(text => matches(wire[name], text))
    }),
  )
}

function compare(a: Json | undefined, b: Json | undefined): number {
  if (a === b) return 0
  if (a === undefined || a === null) return -1
  if (b === undefined || b === null) return 1
  return a < b ? -1 : a > b ? 1 : 0
}

export function sortWires(wires: readonly Wire[], query: Query, known: ReadonlySet<string>): readonly Wire[] {
  const keys = valuesOf(query, 'sort_key')
  const directions = valuesOf(query, 'sort_dir')
  const strange = keys.filter(key => !known.has(key))
  if (strange.length > 0) {
    throw BadRequest({ reason: `[${strange.map(key => `'${key}'`).join(', ')}] is invalid attribute for sort_keys` })
  }
  if (directions.length > 0 && directions.length !== keys.length) {
    throw BadRequest({ reason: 'The number of sort_keys and sort_dirs must be same' })
  }
  if (directions.some(direction => direction !== 'asc' && direction !== 'desc')) {
    throw BadRequest({ reason: "[] is invalid value for sort_dirs, valid value is 'asc' and 'desc'" })
  }
  if (keys.length === 0) return wires
  return wires.toSorted((a, b) => {
    for (const [i, key] of keys.entries()) {
      const order = compare(a[key], b[key])
      if (order !== 0) return directions[i] === 'desc' ? -order : order
    }
    return compare(a.id, b.id)
  })
}

export interface Page {
  readonly items: readonly Wire[]
  readonly links: readonly { rel: 'next' | 'previous'; href: string }[]
}

function limitOf(query: Query): number | undefined {
  const text = valuesOf(query, 'limit')[0]
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw BadRequest({ reason: `Limit must be an integer 0 or greater and not '${text}'` })
  return Number(text) === 0 ? undefined : Number(text)
}

function pageHref(url: string, query: Query, marker: string, isReverse: boolean): string {
  const search = new URLSearchParams()
  for (const name of Object.keys(query)) {
    if (name === 'marker' || name === 'page_reverse') continue
    for (const value of valuesOf(query, name)) search.append(name, value)
  }
  search.append('marker', marker)
  if (isReverse) search.append('page_reverse', 'True')
  return `${url}?${search}`
}

/** Cuts one page; `missing` makes the fault of a marker that is not there. */
export function pageOf(wires: readonly Wire[], query: Query, url: string, missing: (id: string) => Error): Page {
  const limit = limitOf(query)
  const marker = valuesOf(query, 'marker')[0]
  const isReverse = truths[(valuesOf(query, 'page_reverse')[0] ?? 'false').toLowerCase()] === true
  const at = marker === undefined ? -1 : wires.findIndex(wire => wire.id === marker)
  if (marker !== undefined && at < 0) throw missing(marker)
  if (limit === undefined) {
    return { items: marker === undefined ? wires : isReverse ? wires.slice(0, at) : wires.slice(at + 1), links: [] }
  }
  const start = isReverse ? Math.max(0, (marker === undefined ? wires.length : at) - limit) : at + 1
  const end = isReverse ? (marker === undefined ? wires.length : at) : start + limit
  const items = wires.slice(start, end)
  const links: Page['links'][number][] = []
  const [first, last] = [items[0], items.at(-1)]
  if (last !== undefined && end < wires.length) links.push({ rel: 'next', href: pageHref(url, query, last.id, false) })
  if (first !== undefined && start > 0) links.push({ rel: 'previous', href: pageHref(url, query, first.id, true) })
  return { items, links }
}

export function pickFields(wire: Fields, query: Query): Fields {
  const fields = valuesOf(query, 'fields')
  if (fields.length === 0) return wire
  return Object.fromEntries(Object.entries(wire).filter(([name]) => fields.includes(name)))
}
