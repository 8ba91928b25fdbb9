import { list, obj, operation, reply, resource, until } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { createSnapshotBody, snapshot, snapshotView } from './shape.ts'
import { pageQuery, slice } from './slice.ts'

const rule = 'os_compute_api:os-volumes:snapshots'
const exists = until('2.36')
const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { id: string }>()

const listing = (word: string) =>
  op({
    exists,
    policy: `${rule}:${word}`,
    query: pageQuery,
    reply: reply('snapshots', list(obj(snapshot))),
    faults: { InvalidInput: 400, Forbidden: 403 },
    async handle({ caller, allow, page, rawQuery }, deps) {
      allow()
      return slice(await deps.volumes.listSnapshots(caller), rawQuery, page()).map(snapshotView)
    },
  })

const show = opOnOne({
  exists,
  policy: `${rule}:show`,
  reply: reply('snapshot', snapshot),
  faults: { SnapshotNotFound: 404, Forbidden: 403 },
  async handle({ path, caller, allow }, deps) {
    allow()
    return snapshotView(await deps.volumes.getSnapshot(caller, path.id))
  },
})

const remove = opOnOne({
  exists,
  status: 202,
  policy: `${rule}:delete`,
  faults: { SnapshotNotFound: 404, InvalidInput: 400, Forbidden: 403 },
  async handle({ path, caller, allow }, deps) {
    allow()
    await deps.volumes.deleteSnapshot(caller, path.id)
  },
})

const create = op({
  exists,
  policy: `${rule}:create`,
  body: createSnapshotBody,
  reply: reply('snapshot', snapshot),
  faults: { VolumeNotFound: 404, InvalidInput: 400, OverQuota: 403, Forbidden: 403 },
  async handle({ body, caller, allow }, deps) {
    allow()
    const made = await deps.volumes.createSnapshot(caller, {
      volumeId: body.volume_id,
      name: body.display_name ?? null,
      description: body.display_description ?? null,
      isForced: body.force ?? false,
    })
    return snapshotView(made)
  },
})

/** Snapshots of volumes, by proxy as the volumes. */
export const volumeSnapshots = resource('/os-snapshots', {
  'GET /': listing('list'),
  'GET /detail': listing('detail'),
  'POST /': create,
  'GET /{id}': show,
  'DELETE /{id}': remove,
})
