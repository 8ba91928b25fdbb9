import { bool, exactlyOne, int, intLike, keyed, list, mixed, obj, request, str } from '#api/kit'
import { isoMicros } from '#base'
import type { Volume, VolumeSnapshot } from '#cloud'

/** Volumes and snapshots in the words of the first Compute API. */

const attachment = obj({ id: str, volumeId: str, serverId: str.nullable(), device: str.optional() })

export const volume = {
  id: str,
  status: str,
  size: int,
  availabilityZone: str.nullable(),
  createdAt: str,
  attachments: list(exactlyOne(attachment, obj({}))),
  displayName: str.nullable(),
  displayDescription: str.nullable(),
  volumeType: str.nullable(),
  snapshotId: str.nullable(),
  metadata: keyed({ '^.*$': str }),
}

export const snapshot = {
  id: str,
  volumeId: str,
  status: str,
  size: int,
  createdAt: str,
  displayName: str.nullable(),
  displayDescription: str.nullable(),
}

export const createVolumeBody = request('volume', {
  volume_type: str.optional(),
  metadata: mixed({}, {}, { rest: 'any' }).optional(),
  snapshot_id: str.optional(),
  size: intLike({ low: 1 }),
  availability_zone: str.optional(),
  display_name: str.optional(),
  display_description: str.optional(),
})

export const createSnapshotBody = request('snapshot', {
  volume_id: str,
  force: bool.optional(),
  display_name: str.optional(),
  display_description: str.optional(),
})

/** A free volume has one attachment without anything in it. */
function attachmentsView({ id, attachments }: Volume) {
  const [first] = attachments
  if (first === undefined) return [{}]
  const { serverId, device } = first
  return [{ id, volumeId: id, serverId, ...(device === null ? {} : { device }) }]
}

export const volumeView = (v: Volume) => ({
  id: v.id,
  status: v.status,
  size: v.sizeGiB,
  availabilityZone: v.availabilityZone,
  createdAt: isoMicros(v.createdAtMs),
  attachments: attachmentsView(v),
  displayName: v.name,
  displayDescription: v.description,
  volumeType: v.volumeType,
  snapshotId: v.snapshotId,
  metadata: v.metadata,
})

export const snapshotView = (s: VolumeSnapshot) => ({
  id: s.id,
  volumeId: s.volumeId,
  status: s.status,
  size: s.sizeGiB,
  createdAt: isoMicros(s.createdAtMs),
  displayName: s.name,
  displayDescription: s.description,
})
