import type { JsonRecord } from '#base'
import type { Caller } from '#cloud'
import { Invalid } from '../faults.ts'
import { propertiesOf, tagsOf } from '../records.ts'
import { isListed, isOwner, type MemberStatusFilter } from '../rights.ts'
import type { ImageRow } from '../store/rows.ts'
import type { ImageState } from '../store/state.ts'
import type { Exchange, Parts } from './exchange.ts'
import { imageView } from './view.ts'

/** Glance's limit_param_default and api_limit_max. */
const defaultLimit = 25
const maxLimit = 1000

type Test = (row: ImageRow) => boolean

const sortKeys = {
  name: (row: ImageRow) => row.name,
  status: (row: ImageRow) => row.status,
  container_format: (row: ImageRow) => row.container_format,
  disk_format: (row: ImageRow) => row.disk_format,
  size: (row: ImageRow) => row.size_bytes,
  id: (row: ImageRow) => row.id,
  created_at: (row: ImageRow) => row.created_at_ms,
  updated_at: (row: ImageRow) => row.updated_at_ms,
}
type SortKey = keyof typeof sortKeys
const isSortKey = (text: string): text is SortKey => Object.hasOwn(sortKeys, text)

const texts: Readonly<Record<string, (row: ImageRow) => string | null>> = {
  id: row => row.id,
  name: row => row.name,
  status: row => row.status,
  container_format: row => row.container_format,
  disk_format: row => row.disk_format,
  checksum: row => row.checksum,
  owner: row => row.owner,
  os_hash_value: row => row.hash_value,
  os_hash_algo: row => row.hash_algorithm,
}
const listable = ['id', 'name', 'status', 'container_format', 'disk_format']

const amounts: Readonly<Record<string, (row: ImageRow) => number>> = {
  size: row => row.size_bytes ?? 0,
  min_disk: row => row.min_disk_gib,
  min_ram: row => row.min_ram_mib,
}

/** `in:a,"b,c"` as a list; anything else as it is. */
function wantedTexts(name: string, value: string): string[] {
  if (!listable.includes(name)) return [value]
  if (value.startsWith('eq:')) return [value.slice(3)]
  if (!value.startsWith('in:')) return [value]
  return [...value.slice(3).matchAll(/"([^"]*)"|([^,]+)/g)].map(match => match[1] ?? match[2] ?? '')
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
}

/** `gte:2026-01-31T12:00:00Z`; times count in whole seconds, as they are shown. */
function timeTest(name: 'created_at' | 'updated_at', value: string): Test {
  const [, operator = 'eq', time = ''] = /^(?:([a-z]+):(?=\d))?(.*)$/.exec(value) ?? []
  const compare = comparisons[operator]
  if (compare === undefined) throw Invalid({ reason: `Unable to filter by unknown operator '${operator}'.` })
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`
  const at = Date.parse(zoned)
  if (Number.isNaN(at)) throw Invalid({ reason: `Bad "${name}" query filter format. Use ISO 8601 DateTime notation.` })
  return row => compare(Math.floor(row[`${name}_ms`] / 1000), Math.floor(at / 1000))
}

function boolOf(name: string, value: string): number {
  if (/^(true|1|yes|on|t|y)$/i.test(value)) return 1
  if (/^(false|0|no|off|f|n)$/i.test(value)) return 0
  throw Invalid({
    reason: `Invalid value '${value}' for '${name}' filter. Valid values are case sensitive 'true' or 'false'.`,
  })
}

function rangeTest(name: string, value: string): Test | undefined {
  const [, base = '', bound = ''] = /^(.*)_(min|max)$/.exec(name) ?? []
  const read = Object.hasOwn(amounts, base) ? amounts[base] : undefined
  if (read === undefined) return undefined
  if (!/^-?\d+$/.test(value)) throw Invalid({ reason: 'Unable to filter on a range with a non-numeric value.' })
  const limit = Number(value)
  if (limit < 0) throw Invalid({ reason: `Cannot filter on a negative value: ${name}` })
  return bound === 'min' ? row => read(row) >= limit : row => read(row) <= limit
}

/** One filter of the query string. */
function testOf(name: string, value: string): Test {
  const text = Object.hasOwn(texts, name) ? texts[name] : undefined
  if (text !== undefined) {
    const wanted = wantedTexts(name, value)
    return row => wanted.includes(text(row) ?? '')
  }
  if (name === 'tag') return row => tagsOf(row).includes(value.trim())
  if (name === 'protected') {
    const wanted = boolOf(name, value)
    return row => row.is_protected === wanted
  }
  if (name === 'created_at' || name === 'updated_at') return timeTest(name, value)
  const amount = Object.hasOwn(amounts, name) ? amounts[name] : undefined
  if (amount !== undefined) return row => amount(row) === Number(value)
  return rangeTest(name, value) ?? (row => propertiesOf(row)[name] === value)
}

function memberStatusOf(query: URLSearchParams): MemberStatusFilter {
  const value = query.get('member_status') ?? 'accepted'
  if (value !== 'pending' && value !== 'accepted' && value !== 'rejected' && value !== 'all') {
    throw Invalid({ reason: `Invalid status: ${value}` })
  }
  return value
}

/** Whether an image is in the list at all: without `visibility`, community images of others stay out. */
function visibilityTest(state: ImageState, caller: Caller, query: URLSearchParams): Test {
  const status = memberStatusOf(query)
  const visibility = query.get('visibility')
  if (visibility !== null && !['community', 'public', 'private', 'shared', 'all'].includes(visibility)) {
    throw Invalid({ reason: `Invalid visibility value: ${visibility}` })
  }
  return row => {
    if (!isListed(state, caller, row, status)) return false
    if (visibility === null) return row.visibility !== 'community' || isOwner(caller, row)
    return visibility === 'all' || row.visibility === visibility
  }
}

interface Order {
  readonly key: SortKey
  readonly isDescending: boolean
}

function order(key: string, direction: string): Order {
  if (!isSortKey(key)) {
    const known = Object.keys(sortKeys).join(', ')
    throw Invalid({ reason: `Invalid sort key: ${key}. It must be one of the following: ${known}.` })
  }
  if (direction !== 'asc' && direction !== 'desc') throw Invalid({ reason: `Invalid sort direction: ${direction}` })
  return { key, isDescending: direction === 'desc' }
}

function ordersOf(query: URLSearchParams): Order[] {
  const sort = query.get('sort')
  const keys = query.getAll('sort_key')
  const directions = query.getAll('sort_dir')
  if (sort !== null) {
    if (keys.length + directions.length > 0) throw Invalid({ reason: 'Old and new sorting syntax cannot be combined' })
    return sort.split(',').map(part => {
      const [key = '', direction = 'desc'] = part.split(':')
      return order(key.trim(), direction.trim())
    })
  }
  if (directions.length > 1 && directions.length !== keys.length) {
    throw Invalid({ reason: 'Number of sort dirs does not match the number of sort keys' })
  }
  const named = keys.length > 0 ? keys : ['created_at']
  return named.map((key, at) => order(key.trim(), directions[at] ?? directions[0] ?? 'desc'))
}

function compare(orders: readonly Order[]): (a: ImageRow, b: ImageRow) => number {
  // Ties break by creation and id, in the direction of the first key, so that pages never overlap.
  const direction = orders[0]?.isDescending ?? true
  const all: Order[] = [
    ...orders,
    { key: 'created_at', isDescending: direction },
    { key: 'id', isDescending: direction },
  ]
  return (a, b) => {
    for (const { key, isDescending } of all) {
      const [left, right] = [sortKeys[key](a), sortKeys[key](b)]
      if (left === right) continue
      const isLess = left === null || (right !== null && left < right)
      return isLess === isDescending ? 1 : -1
    }
    return 0
  }
}

function limitOf(query: URLSearchParams): number {
  const given = query.get('limit')
  if (given === null) return defaultLimit
  if (!/^-?\d+$/.test(given)) throw Invalid({ reason: 'limit param must be an integer' })
  if (Number(given) < 0) throw Invalid({ reason: 'limit param must be positive' })
  return Math.min(Number(given), maxLimit)
}

function afterMarker(rows: ImageRow[], marker: string | null): ImageRow[] {
  if (marker === null) return rows
  const at = rows.findIndex(row => row.id === marker)
  if (at < 0) throw Invalid({ reason: `No image found with ID ${marker}` })
  return rows.slice(at + 1)
}

const notFilters = ['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'visibility', 'member_status', 'os_hidden']

/** The caller's images that the query asks for, in its order, from its marker on. */
export function selectImages(state: ImageState, caller: Caller, query: URLSearchParams): ImageRow[] {
  const isHidden = query.has('os_hidden') ? boolOf('os_hidden', query.get('os_hidden') ?? '') : 0
  const tests: Test[] = [row => row.is_hidden === isHidden, visibilityTest(state, caller, query)]
  for (const [name, value] of query) if (!notFilters.includes(name)) tests.push(testOf(name, value))
  const found = state.table('image_images').all()
  const sorted = found.filter(row => tests.every(test => test(row))).sort(compare(ordersOf(query)))
  return afterMarker(sorted, query.get('marker'))
}

/** The answer of GET /v2/images. */
export function listImages(parts: Parts, { query, caller }: Exchange): JsonRecord {
  const limit = limitOf(query)
  const rest = selectImages(parts.state, caller, query)
  const page = rest.slice(0, limit)
  const params = new URLSearchParams(query)
  params.delete('marker')
  const first = params.size === 0 ? '/v2/images' : `/v2/images?${params}`
  const last = page.at(-1)
  if (last !== undefined) params.set('marker', last.id)
  return {
    images: page.map(imageView),
    first,
    schema: '/v2/schemas/images',
    ...(last !== undefined && rest.length > page.length ? { next: `/v2/images?${params}` } : {}),
  }
}
