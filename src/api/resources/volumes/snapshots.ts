import { operation, reply, resource } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { exists, proxied } from './proxied.ts'
import { createSnapshotBody, snapshot, snapshotView } from './shape.ts'

const rule = 'os_compute_api:os-volumes:snapshots'
const op = operation<ApiDeps>()

const proxy = proxied({
  rule,
  name: 'snapshot',
  fields: snapshot,
  view: snapshotView,
  all: (volumes, caller) => volumes.listSnapshots(caller),
  one: (volumes, caller, id) => volumes.getSnapshot(caller, id),
  remove: (volumes, caller, id) => volumes.deleteSnapshot(caller, id),
  notFound: { SnapshotNotFound: 404 },
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
export const volumeSnapshots = resource('/os-snapshots', { ...proxy, 'POST /': create })
