import { links as linkList, list, obj, operation, reply, since } from '#api/kit'
import type { Caller } from '#cloud'
import { FlavorNotFound } from '#model'
import type { FlavorList, FlavorSortKey, StoredFlavor } from '#store'
import { flavorSortKeys } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin } from '../servers/find.ts'
import { BadFlavor, FlavorMarkerNotFound } from './faults.ts'
import { detail, listQuery, summary } from './shape.ts'
import { detailView, summaryView } from './view.ts'

const op = operation<ApiDeps>()

interface Asked {
  readonly is_public?: string
  readonly minRam?: string
  readonly minDisk?: string
  readonly sort_key?: readonly string[]
  readonly sort_dir?: readonly string[]
  readonly name?: string
}

interface ListContext {
  readonly caller: Caller
  readonly query: Asked
  readonly page: () => { limit: number; marker: string | undefined }
}

const wordsOfNone = new Set(['none', ''])

/** Administrators may see private flavors: all with `none`, only those with `false`. */
function visibility(asked: string | undefined, caller: Caller): Pick<FlavorList, 'isPublic' | 'projectId'> {
  const own = caller.projectId === null ? {} : { projectId: caller.projectId }
  if (!isAdmin(caller)) return { isPublic: true, ...own }
  if (asked === undefined) return { isPublic: true, ...own }
  if (wordsOfNone.has(asked.toLowerCase())) return {}
  if (/^(1|t|true|on|y|yes)$/i.test(asked)) return { isPublic: true }
  if (/^(0|f|false|off|n|no)$/i.test(asked)) return { isPublic: false }
  throw BadFlavor({ text: `Invalid is_public filter [${asked}]` })
}

function minimum(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^-?\d+$/.test(text)) throw BadFlavor({ text: `Invalid ${name} filter [${text}]` })
  return Number(text)
}

function sortOf({ sort_key = [], sort_dir = [] }: Asked): FlavorList['sort'] {
  const keys = sort_key.length === 0 ? ['flavorid'] : sort_key
  return keys.flatMap((key, i) => {
    const isKnown = (flavorSortKeys as readonly string[]).includes(key)
    return isKnown
      ? [{ key: key as FlavorSortKey, isDescending: (sort_dir[i] ?? sort_dir[0] ?? 'asc') === 'desc' }]
      : []
  })
}

async function find({ caller, query, page }: ListContext, deps: ApiDeps): Promise<readonly StoredFlavor[]> {
  const { limit, marker } = page()
  const minMemoryMiB = minimum(query.minRam, 'minRam')
  const minRootGiB = minimum(query.minDisk, 'minDisk')
  try {
    return await deps.store.flavors.list({
      ...visibility(query.is_public, caller),
      // Disabled flavors are for administrators.
      ...(isAdmin(caller) ? {} : { isDisabled: false }),
      ...(minMemoryMiB === undefined ? {} : { minMemoryMiB }),
      ...(minRootGiB === undefined ? {} : { minRootGiB }),
      ...(query.name === undefined ? {} : { name: query.name }),
      sort: sortOf(query),
      limit,
      ...(marker === undefined ? {} : { marker }),
    })
  } catch (error) {
    if (FlavorNotFound.is(error) && marker !== undefined) throw FlavorMarkerNotFound({ marker }, { cause: error })
    throw error
  }
}

const faults = { InvalidInput: 400, MarkerNotFound: 400 } as const
const swapIsNumber = since('2.75')

export const index = op({
  policy: null,
  query: listQuery,
  reply: reply(obj({ flavors: list(obj(summary)), flavors_links: linkList.optional() })),
  faults,
  async handle(context, deps) {
    const flavors = await find(context, deps)
    const flavors_links = context.nextLinks('flavors', flavors, f => f.flavorId)
    return {
      flavors: flavors.map(f => summaryView(f, context.links)),
      flavors_links,
    }
  },
})

export const detailed = op({
  policy: null,
  query: listQuery,
  reply: reply(obj({ flavors: list(obj(detail)), flavors_links: linkList.optional() })),
  faults,
  behaviours: { swapIsNumber },
  async handle(context, deps) {
    const flavors = await find(context, deps)
    const flavors_links = context.nextLinks('flavors/detail', flavors, f => f.flavorId)
    return {
      flavors: flavors.map(f => detailView(f, context.links, context.behaves.swapIsNumber)),
      flavors_links,
    }
  },
})
