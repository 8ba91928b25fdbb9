import {
  always,
  intLike,
  links as linkList,
  list,
  obj,
  operation,
  query,
  type RawQuery,
  reply,
  resource,
  since,
  str,
} from '#api/kit'
import type { Caller } from '#cloud'
import { KeypairNotFound } from '#model'
import { type Keypair, MarkerNotFound } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { create } from './create.ts'
import { detail, detailView, summary, summaryView } from './shape.ts'

const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { name: string }>()

const strict = { strict: since('2.75') }
const owner = str.optional().since('2.10')

/** Of whom the keys are: the first `user_id` counts, and an empty one is none. */
const ownerOf = (query: { user_id?: string }, raw: RawQuery, caller: Caller): string =>
  (query.user_id === undefined ? undefined : raw['user_id']?.[0]) || caller.userId

async function pageOfKeys(
  deps: ApiDeps,
  userId: string,
  { limit, marker }: { limit: number; marker: string | undefined },
): Promise<readonly Keypair[]> {
  try {
    return await deps.store.keypairs.list(userId, { limit, ...(marker === undefined ? {} : { marker }) })
  } catch (error) {
    if (KeypairNotFound.is(error) && marker !== undefined) throw MarkerNotFound({ marker }, { cause: error })
    throw error
  }
}

const index = op({
  policy: 'os_compute_api:os-keypairs:index',
  query: query(
    {
      user_id: owner,
      limit: intLike({ pattern: '^[0-9]*$', low: 0, min: 1 }).optional().since('2.35'),
      marker: str.optional().since('2.35'),
    },
    strict,
  ),
  reply: reply(
    obj({ keypairs: list(obj({ keypair: obj(summary) })), keypairs_links: linkList.optional().since('2.35') }),
  ),
  faults: { MarkerNotFound: 400 },
  behaviours: { hasPages: since('2.35') },
  async handle({ query, rawQuery, caller, allow, behaves, page, nextLinks }, deps) {
    const userId = ownerOf(query, rawQuery, caller)
    allow({ user_id: userId })
    const keys = behaves.hasPages ? await pageOfKeys(deps, userId, page()) : await deps.store.keypairs.list(userId)
    const keypairs = keys.map(key => ({ keypair: summaryView(key) }))
    return { keypairs, keypairs_links: behaves.hasPages ? nextLinks('os-keypairs', keys, k => k.name) : undefined }
  },
})

const show = opOnOne({
  policy: 'os_compute_api:os-keypairs:show',
  query: query({ user_id: owner }, strict),
  reply: reply('keypair', detail),
  faults: { KeypairNotFound: 404 },
  async handle({ path, query, rawQuery, caller, allow }, { store }) {
    const userId = ownerOf(query, rawQuery, caller)
    allow({ user_id: userId })
    return detailView(await store.keypairs.get(userId, path.name))
  },
})

/** Servers keep their copy of the key. */
const remove = opOnOne({
  status: always(202).since('2.2', 204),
  policy: 'os_compute_api:os-keypairs:delete',
  query: query({ user_id: owner }, strict),
  faults: { KeypairNotFound: 404 },
  async handle({ path, query, rawQuery, caller, allow }, { store, notices }) {
    const userId = ownerOf(query, rawQuery, caller)
    allow({ user_id: userId })
    if (!notices.isOn) return store.keypairs.delete(userId, path.name)
    const { projectId } = caller
    await store.transaction(async tx => {
      const keypair = await tx.keypairs.get(userId, path.name)
      await notices.tell(tx, 'keypair.delete.start', { keypair, projectId })
      await tx.keypairs.delete(userId, path.name)
      await notices.tell(tx, 'keypair.delete.end', { keypair, projectId })
    })
  },
})

/** Public keys that a user may have put into servers. Owned by the user, whatever project he works in. */
export const keypairs = resource('/os-keypairs', {
  'GET /': index,
  'POST /': create,
  'GET /{name}': show,
  'DELETE /{name}': remove,
})
