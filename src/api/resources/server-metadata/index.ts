import { bare, keyed, metadata, obj, operation, query, reply, resource, since, str, text } from '#api/kit'
import { declareFault } from '#base'
import type { Caller } from '#cloud'
import type { Instance } from '#model'
import { type Store, turnOf } from '#store'
import { mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { MetadataLimitExceeded } from '../servers/create-faults.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'

const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; key: string }>()

export const MetadataItemNotFound = declareFault('MetadataItemNotFound', 'missing', () => 'Metadata item was not found')
export const KeyMismatch = declareFault('MetadataKeyMismatch', 'refused', () => 'Request body and URI mismatch')

const rule = 'os_compute_api:server-metadata'
const strict = query({}, { strict: since('2.102') })
const found = keyed({ '^.*$': str.nullable() })
const oneItem = keyed({ '^[a-zA-Z0-9-_:. ]{1,255}$': text({ max: 255 }) }, { minKeys: 1, maxKeys: 1 })
const writeFaults = {
  InstanceNotFound: 404,
  InstanceIsLocked: 409,
  InstanceInvalidState: 409,
  MetadataLimitExceeded: 403,
} as const

type Items = Readonly<Record<string, string>>

async function mustFit(tx: Store, deps: ApiDeps, caller: Caller, items: Items): Promise<void> {
  const limits = await deps.quotas.prepared(tx, caller.projectId ?? '', caller.userId)
  const allowed = limits['metadata_items'] ?? -1
  const count = Object.keys(items).length
  if (count > 0 && allowed >= 0 && count > allowed) throw MetadataLimitExceeded({ allowed })
}

/** Reads, checks and writes in one transaction: of two writers at once neither loses what the other wrote. */
async function change(
  deps: ApiDeps,
  caller: Caller,
  found: Instance,
  word: string,
  edit: (now: Items) => Items,
): Promise<Items> {
  await deps.quotas.prepare(caller.projectId ?? '')
  return deps.store.transaction(async tx => {
    await tx.turn(turnOf.server(found.id))
    const instance = await tx.instances.get(found.id)
    mustAllow(instance, 'changeMetadata', word, isAdmin(caller))
    const items = edit(instance.metadata)
    await mustFit(tx, deps, caller, items)
    await tx.instances.change(instance.id, { metadata: items }, deps.clock.now())
    return items
  })
}

const index = op({
  policy: `${rule}:index`,
  query: strict,
  reply: reply('metadata', found),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return instance.metadata
  },
})

/** Adds items and changes those that are there. */
const add = op({
  policy: `${rule}:create`,
  body: bare(obj({ metadata })),
  reply: reply('metadata', found),
  faults: writeFaults,
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return change(deps, caller, instance, 'update metadata', now => ({ ...now, ...body.metadata }))
  },
})

/** These items and no others. */
const replaceAll = op({
  policy: `${rule}:update_all`,
  body: bare(obj({ metadata })),
  reply: reply('metadata', found),
  faults: writeFaults,
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return change(deps, caller, instance, 'update metadata', () => body.metadata)
  },
})

const show = opOnOne({
  policy: `${rule}:show`,
  query: strict,
  reply: reply('meta', found),
  faults: { InstanceNotFound: 404, MetadataItemNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const value = instance.metadata[path.key]
    if (value === undefined || !Object.hasOwn(instance.metadata, path.key)) throw MetadataItemNotFound({})
    return { [path.key]: value }
  },
})

const set = opOnOne({
  policy: `${rule}:update`,
  body: bare(obj({ meta: oneItem })),
  reply: reply('meta', found),
  faults: { ...writeFaults, MetadataKeyMismatch: 400 },
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    if (!Object.hasOwn(body.meta, path.key)) throw KeyMismatch({})
    await change(deps, caller, instance, 'update metadata', now => ({ ...now, ...body.meta }))
    return body.meta
  },
})

const remove = opOnOne({
  status: 204,
  policy: `${rule}:delete`,
  faults: { InstanceNotFound: 404, InstanceIsLocked: 409, InstanceInvalidState: 409, MetadataItemNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    if (!Object.hasOwn(instance.metadata, path.key)) throw MetadataItemNotFound({})
    await change(deps, caller, instance, 'delete metadata', now =>
      Object.fromEntries(Object.entries(now).filter(([key]) => key !== path.key)),
    )
  },
})

/** Key-value pairs that users keep with their servers; guests read them from the metadata service. */
export const serverMetadata = resource('/servers/{id}/metadata', {
  'GET /': index,
  'POST /': add,
  'PUT /': replaceAll,
  'GET /{key}': show,
  'PUT /{key}': set,
  'DELETE /{key}': remove,
})
