import { Fault, faultRecord, InternalError } from '#base'
import type { FarList, FarListQuery, FarRequest, ListedServer } from '#bus'
import type { FarReply } from '#model'
import { type CellMethods, cellMethod } from '../messages/methods.ts'
import type { CellRouter } from '../messages/router.ts'
import { anything, boolean, integer, listOf, object, type Schema, text } from '../messages/schema.ts'
import { readShape } from '../requests/methods.ts'
import { mergePages } from './merge.ts'
import { effectiveSort, sortValues } from './order.ts'
import { type After, CellListRefused, messageOf, type PageWish, pageOf } from './page.ts'

const wishShape: Schema = object(
  {
    request: readShape,
    sort: listOf(object({ key: text, isDescending: boolean })),
    limit: { ...integer, minimum: 1 },
  },
  { after: object({ id: text, cell: text, values: listOf(anything) }) },
)

/** A page of one cell's servers; see `page.ts`. */
export const apiList = cellMethod<{ wish: PageWish }, readonly ListedServer['server'][]>('api_list', {
  takes: object({ wish: wishShape }),
  gives: listOf({ type: 'object' }),
})

type Read = (request: Omit<FarRequest, 'id' | 'body' | 'method'>) => Promise<FarReply>

/** `maxLimit` is that of the API here. */
export function addApiList(methods: CellMethods, get: Read, maxLimit: number): void {
  methods.add(apiList, ({ wish }, { routingPath }) =>
    pageOf(get, routingPath, { ...wish, limit: Math.min(wish.limit, maxLimit) }, maxLimit),
  )
}

/** What a list of servers without details shows of each. */
const plain = ({ id, name, links }: ListedServer['server']) => ({ id, name, links })

/** Lists of this cell and all below, merged here. `readIn` gets something in one cell. */
export class FarLists {
  readonly #router: CellRouter
  readonly #readIn: (cell: string, request: Parameters<Read>[0]) => Promise<FarReply>

  constructor(router: CellRouter, readIn: (cell: string, request: Parameters<Read>[0]) => Promise<FarReply>) {
    this.#router = router
    this.#readIn = readIn
  }

  async list({ request, sort: asked, limit, marker, includesOwn }: FarListQuery): Promise<FarList> {
    const sort = effectiveSort(asked)
    const after = marker === undefined ? {} : { after: await this.#after(request, sort, marker) }
    const wish: PageWish = { request, sort, limit, ...after }
    const options = { runLocally: includesOwn, requestId: request.requestId }
    const answers = await this.#router.broadcast('down', apiList, { wish }, options)
    const pages = answers.flatMap(({ cell, outcome }) => ('value' in outcome ? [{ cell, servers: outcome.value }] : []))
    const failed = answers.flatMap(({ cell, outcome }) =>
      'fault' in outcome ? [{ cell, fault: faultRecord(asFault(outcome.fault)) }] : [],
    )
    const merged = mergePages(pages, sort, limit)
    const isPlain = request.path.endsWith('/servers')
    return {
      servers: isPlain ? merged.map(({ cell, server }) => ({ cell, server: plain(server) })) : merged,
      hasMore: pages.reduce((sum, page) => sum + page.servers.length, 0) >= limit,
      failed,
    }
  }

  async #after(
    request: FarListQuery['request'],
    sort: FarListQuery['sort'],
    { id, cell }: NonNullable<FarListQuery['marker']>,
  ): Promise<After> {
    const path = `/servers/${id}`
    const { status, body } = await this.#readIn(cell, { ...request, path, query: '' })
    if (status !== 200) throw CellListRefused({ status, message: messageOf(body) })
    return { id, cell, values: sortValues((body as { server?: unknown }).server, sort) }
  }
}

const asFault = (error: unknown): Fault =>
  error instanceof Fault ? error : InternalError({ message: String(error) }, { cause: error })
