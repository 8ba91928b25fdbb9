import { list, obj, operation, reply, resource, until } from '#api/kit'
import type { Caller } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { createVolumeBody, volume, volumeView } from './shape.ts'
import { pageQuery, slice } from './slice.ts'

const rule = 'os_compute_api:os-volumes'
const exists = until('2.36')
const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { id: string }>()

const listing = (word: string) =>
  op({
    exists,
    policy: `${rule}:${word}`,
    query: pageQuery,
    reply: reply('volumes', list(obj(volume))),
    faults: { InvalidInput: 400, Forbidden: 403 },
    async handle({ caller, allow, page, rawQuery }, deps) {
      allow()
      return slice(await deps.volumes.list(caller), rawQuery, page()).map(volumeView)
    },
  })

const show = opOnOne({
  exists,
  policy: `${rule}:show`,
  reply: reply('volume', volume),
  faults: { VolumeNotFound: 404, Forbidden: 403 },
  async handle({ path, caller, allow }, deps) {
    allow()
    return volumeView(await deps.volumes.get(caller, path.id))
  },
})

const remove = opOnOne({
  exists,
  status: 202,
  policy: `${rule}:delete`,
  faults: { VolumeNotFound: 404, InvalidInput: 400, Forbidden: 403, VolumeConflict: 400 },
  async handle({ path, caller, allow }, deps) {
    allow()
    await deps.volumes.delete(caller, path.id)
  },
})

const texts = (metadata: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)]))

type Wish = {
  readonly size: number
  readonly snapshot_id?: string
  readonly volume_type?: string
  readonly availability_zone?: string
  readonly display_name?: string
  readonly display_description?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

async function make(deps: ApiDeps, caller: Caller, wish: Wish) {
  // Says itself that there is no such snapshot.
  if (wish.snapshot_id !== undefined) await deps.volumes.getSnapshot(caller, wish.snapshot_id)
  return deps.volumes.create(caller, {
    name: wish.display_name ?? '',
    description: wish.display_description ?? null,
    sizeGiB: wish.size,
    ...(wish.snapshot_id === undefined ? {} : { snapshotId: wish.snapshot_id }),
    ...(wish.volume_type === undefined ? {} : { volumeType: wish.volume_type }),
    ...(wish.availability_zone === undefined ? {} : { availabilityZone: wish.availability_zone }),
    metadata: texts(wish.metadata),
  })
}

const create = op({
  exists,
  policy: `${rule}:create`,
  body: createVolumeBody,
  reply: reply('volume', volume),
  faults: { SnapshotNotFound: 404, NotFound: 404, InvalidInput: 400, OverQuota: 403, Forbidden: 403 },
  async handle({ body, caller, allow, header, links }, deps) {
    allow()
    const made = await make(deps, caller, body)
    header('Location', links.self('os-volumes', made.id))
    return volumeView(made)
  },
})

/** Volumes through the Compute API, as before the volume service had an API of its own. */
export const volumes = resource('/os-volumes', {
  'GET /': listing('list'),
  'GET /detail': listing('detail'),
  'POST /': create,
  'GET /{id}': show,
  'DELETE /{id}': remove,
})
