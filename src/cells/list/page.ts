import { declareFault, isRecord } from '#base'
import type { FarRequest, ListedServer, SortWish } from '#bus'
import type { FarReply } from '#model'
import { comparePlaces, type Place, type SortValue, sortValues } from './order.ts'

type Server = ListedServer['server']

/** The cell's API has refused; message and status are its own. */
export const CellListRefused = declareFault(
  'CellListRefused',
  'refused',
  (p: { status: number; message: string }) => p.message,
)

/** Behind this server of some cell. */
export interface After {
  readonly id: string
  readonly cell: string
  readonly values: readonly (string | number | null)[]
}

export interface PageWish {
  readonly request: Omit<FarRequest, 'id' | 'method' | 'body'>
  readonly sort: readonly SortWish[]
  readonly limit: number
  readonly after?: After
}

/** GET in this cell. */
export type Get = (request: PageWish['request']) => Promise<FarReply>

/** The message in any of the API's errors. */
export function messageOf(body: unknown): string {
  if (!isRecord(body)) return 'The cell has refused the list.'
  const [fault] = Object.values(body)
  const message = isRecord(fault) ? fault['message'] : undefined
  return typeof message === 'string' ? message : 'The cell has refused the list.'
}

/** Servers with all that they may be sorted by, from behind a marker of this cell. */
async function ask(get: Get, { request, sort, limit }: PageWish, marker?: string): Promise<readonly Server[]> {
  const query = new URLSearchParams(request.query ?? '')
  for (const { key, isDescending } of sort) {
    query.append('sort_key', key)
    query.append('sort_dir', isDescending ? 'desc' : 'asc')
  }
  query.set('limit', String(limit))
  if (marker !== undefined) query.set('marker', marker)
  const path = request.path.replace(/\/servers$/, '/servers/detail')
  const { status, body } = await get({ ...request, path, query: query.toString() })
  if (status !== 200) throw CellListRefused({ status, message: messageOf(body) })
  const servers = isRecord(body) ? body['servers'] : undefined
  return Array.isArray(servers) ? servers.filter(isRecord) : []
}

/**
 * The page of this cell, whose path is `cell`. Behind a server of another cell it begins where that server would stand here,
 * which is looked for from the front, `strideLength` servers at a time: what the API here gives at once.
 */
export async function pageOf(get: Get, cell: string, wish: PageWish, strideLength: number): Promise<readonly Server[]> {
  const { after, sort, limit } = wish
  if (after === undefined) return ask(get, wish)
  if (after.cell === cell) return ask(get, wish, after.id)
  const before: Place = { cell: after.cell, values: after.values as readonly SortValue[] }
  const isPast = (server: Server) => comparePlaces({ cell, values: sortValues(server, sort) }, before, sort) > 0
  let last: string | undefined
  for (;;) {
    const stride = await ask(get, { ...wish, limit: strideLength }, last)
    const first = stride.findIndex(isPast)
    if (first >= 0) {
      const rest = stride.slice(first, first + limit)
      return rest.length === limit || stride.length < strideLength
        ? rest
        : ask(get, wish, markerBefore(stride, first, last))
    }
    const end = stride.at(-1)
    if (end === undefined || stride.length < strideLength) return []
    last = String(end['id'])
  }
}

const markerBefore = (stride: readonly Server[], first: number, last: string | undefined): string | undefined =>
  first === 0 ? last : String(stride[first - 1]?.['id'])
