import { fromJson } from '#base'
import { SnapshotNotFound } from '#cloud'
import type { LostEvent } from '#store'
import { livesElsewhere } from '../../cells.ts'
import type { ConductorDeps } from '../../deps.ts'
import { removeImage } from '../../images.ts'
import type { Suspects } from './suspects.ts'

const unfinished = ['queued', 'saving']
const fillers = ['server-snapshot', 'server-backup', 'server-shelve']

/** Says that the image is one of ours: made of a server, to be filled by a saga. */
const isOfServer = ({ properties }: { readonly properties: Readonly<Record<string, string>> }): boolean =>
  properties['instance_uuid'] !== undefined && ['snapshot', 'backup'].includes(properties['image_type'] ?? '')

/** Records of images of servers that no saga is going to fill: whoever made them died before he could ask for it. */
export async function auditImages(d: ConductorDeps, suspects: Suspects): Promise<void> {
  const found = []
  for (const status of unfinished) found.push(...(await d.images.list('service', { status })))
  const ofServers = found.filter(isOfServer)
  const ours = []
  for (const image of ofServers)
    if (!(await livesElsewhere(d, image.properties['instance_uuid'] ?? ''))) ours.push(image)
  if (ours.length === 0) return
  const inputs = (await d.store.sagas.openInputs(fillers)) as readonly { readonly imageId?: string }[]
  const wanted = new Set(inputs.map(({ imageId }) => imageId))
  for (const { id, status } of ours) {
    if (wanted.has(id) || !suspects.note(`image ${id}`)) continue
    d.log.warn({ image_id: id, status }, 'image of a server that nobody is going to fill; removing it')
    await removeImage(d, id)
  }
}

/** What an API does by itself for a server whose root disk is a volume. */
export const volumeSnapshotEvent = 'api_snapshot_instance'

interface Mapping {
  readonly snapshot_id: string | null
}

/** Ids of the snapshots of which an image without bits says that a server is made. */
const snapshotsIn = (text: string): readonly string[] =>
  fromJson<readonly Mapping[]>(text).flatMap(({ snapshot_id: id }) => (id === null ? [] : [id]))

/**
 * The API that made an image of a server's volumes has died over it: the image that it had described and not made active,
 * and the snapshots that it names, are nobody's. Found by owner and time, as its action was written before.
 */
export async function removeHalfSnapshot(d: ConductorDeps, lost: LostEvent, withinMs: number): Promise<void> {
  for (const { id, ownerId, createdAtMs, properties } of await d.images.list('service', { status: 'queued' })) {
    const { bdm_v2: isOfVolumes, block_device_mapping: mapping } = properties
    const isInTime = createdAtMs >= lost.startAtMs - 1000 && createdAtMs <= lost.startAtMs + withinMs
    if (isOfVolumes !== 'True' || mapping === undefined || ownerId !== lost.projectId || !isInTime) continue
    d.log.warn({ image_id: id, instance_id: lost.instanceId }, 'image of volumes that nobody has finished; removing it')
    await removeImage(d, id)
  }
  await removeSnapshots(d, lost, withinMs)
}

/** Snapshots of the server's volumes that were made for an image which does not name them, because it never came to be. */
async function removeSnapshots(d: ConductorDeps, lost: LostEvent, withinMs: number): Promise<void> {
  const volumes = new Set((await d.store.blockDevices.of(lost.instanceId)).map(device => device.volumeId))
  const images = await d.images.list('service', { properties: { bdm_v2: 'True' } })
  const named = new Set(images.flatMap(({ properties: { block_device_mapping: text = '[]' } }) => snapshotsIn(text)))
  for (const { id, volumeId, name, createdAtMs } of await d.volumes.listSnapshots('service')) {
    const isInTime = createdAtMs >= lost.startAtMs - 1000 && createdAtMs <= lost.startAtMs + withinMs
    const isOurs = volumes.has(volumeId) && name?.startsWith('snapshot for ') === true
    if (!isOurs || !isInTime || named.has(id)) continue
    d.log.warn(
      { snapshot_id: id, instance_id: lost.instanceId },
      'snapshot for an image that never came to be; removing it',
    )
    await d.volumes.deleteSnapshot('service', id).catch((error: unknown) => {
      if (!SnapshotNotFound.is(error)) throw error
    })
  }
}
