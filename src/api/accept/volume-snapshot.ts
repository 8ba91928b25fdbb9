import { declareFault, faultRecord } from '#base'
import { type Caller, type Image, type NewImage } from '#cloud'
import { type BlockDevice, type Instance, isVolume, lifecycle, volumeImage } from '#model'
import type { ApiDeps } from '../deps.ts'
import { createOwned, inheritedProperties } from './image.ts'
import { holdStill } from './quiesce.ts'
import type { Asking } from './snapshots.ts'
import { mustAllow } from './task.ts'

/** The volume service would refuse some of the snapshots. */
export const SnapshotsOverQuota = declareFault(
  'OverQuota',
  'refused',
  () => 'Quota exceeded for resources: snapshots',
  403,
)

const event = 'api_snapshot_instance'

/** A disk as Nova writes it into an image: the words of block_device_mapping_v2, all of them. */
const mappingOf = (device: BlockDevice, snapshotId: string | null) => ({
  source_type: snapshotId === null ? device.source : 'snapshot',
  destination_type: device.destination,
  guest_format: snapshotId === null ? device.guestFormat : null,
  device_type: device.deviceType,
  disk_bus: device.diskBus,
  boot_index: device.bootIndex,
  device_name: device.deviceName,
  delete_on_termination: device.deleteOnTermination,
  snapshot_id: snapshotId ?? device.snapshotId,
  volume_id: null,
  volume_size: device.size,
  image_id: snapshotId === null ? device.imageId : null,
  no_device: null,
  tag: snapshotId === null ? device.tag : null,
  volume_type: null,
})

async function mustFitLimits(deps: ApiDeps, caller: Caller, count: number): Promise<void> {
  if (count === 0) return
  const { totalSnapshotsUsed: used = 0, maxTotalSnapshots: most = -1 } = await deps.volumes.limits(caller)
  if (most > -1 && count + used > most) throw SnapshotsOverQuota({})
}

async function snapshotAll(deps: ApiDeps, caller: Caller, devices: readonly BlockDevice[], name: string) {
  const made: string[] = []
  const mapping = devices.filter(device => !isVolume(device)).map(device => mappingOf(device, null))
  try {
    for (const device of devices.filter(isVolume)) {
      const volume = await deps.volumes.get(caller, device.volumeId ?? '')
      const asked = { name: `snapshot for ${name}`, description: volume.description, isForced: true }
      const { id } = await deps.volumes.createSnapshot(caller, { volumeId: volume.id, ...asked })
      made.push(id)
      mapping.push(mappingOf({ ...device, size: device.size ?? volume.sizeGiB }, id))
    }
    return { mapping, made, undo: () => removeAll(deps, made) }
  } catch (error) {
    await removeAll(deps, made)
    throw error
  }
}

/** The same, while the guest holds its file systems still if it can. */
async function snapshotStill(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  properties: Readonly<Record<string, string>>,
  devices: readonly BlockDevice[],
  name: string,
) {
  const held = await holdStill(deps, instance, properties)
  let made: readonly string[] = []
  try {
    const snapshots = await snapshotAll(deps, caller, devices, name)
    made = snapshots.made
    return snapshots
  } finally {
    held.letGoAfter(made)
  }
}

/** Snapshots of which no image tells. */
async function removeAll(deps: ApiDeps, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await deps.volumes.deleteSnapshot('service', id).catch(error => {
      deps.log.warn({ snapshot_id: id, err: error }, 'snapshot of a refused image is left')
    })
  }
}

/** An image without bits, which says of which snapshots a server like this one is made. */
async function describe(deps: ApiDeps, caller: Caller, instance: Instance, image: NewImage): Promise<Image> {
  const made = await createOwned(deps, caller, instance, image)
  try {
    await deps.images.upload(caller, made.id, nothing())
    return made
  } catch (error) {
    await deps.images.remove('service', made.id).catch(failure => {
      deps.log.warn({ image_id: made.id, err: failure }, 'record of a refused snapshot is left')
    })
    throw error
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(0)
}

async function recorded<T>(deps: ApiDeps, { caller, requestId }: Asking, { id }: Instance, work: () => Promise<T>) {
  const { actions } = deps.store
  const now = () => deps.clock.now()
  const { userId, projectId } = caller
  const action = lifecycle.createImage.recorded ?? ''
  await actions.start({ instanceId: id, action, requestId, userId, projectId, startAtMs: now() })
  await actions.startEvent({ instanceId: id, requestId, event, host: null, nowMs: now() })
  try {
    const result = await work()
    await actions.finishEvent({ instanceId: id, requestId, event, nowMs: now() })
    return result
  } catch (error) {
    const { message, detail } = faultRecord(error)
    const failure = { details: message, traceback: detail ?? message }
    await actions.finishEvent({ instanceId: id, requestId, event, nowMs: now(), failure })
    throw error
  }
}

/**
 * createImage of a server whose root disk is a volume: its volumes are snapshot at once, in the name of whoever asks, and the
 * image only names them. The server does not notice: it has no task.
 */
export async function acceptVolumeSnapshot(
  deps: ApiDeps,
  asking: Asking,
  instance: Instance,
  asked: { readonly name: string; readonly metadata: Readonly<Record<string, string>> },
): Promise<Image> {
  const { caller, isAdmin } = asking
  mustAllow(instance, 'createImage', 'createImage', isAdmin)
  const devices = await deps.store.blockDevices.of(instance.id)
  await mustFitLimits(deps, caller, devices.filter(isVolume).length)
  // One made of such an image has that image, and its disk on a volume all the same.
  const kept = instance.image ?? volumeImage(instance.systemMetadata)
  const root = instance.rootDeviceName === null ? {} : { root_device_name: instance.rootDeviceName }
  return recorded(deps, asking, instance, async () => {
    const { mapping, undo } = await snapshotStill(deps, caller, instance, kept.properties, devices, asked.name)
    const image: NewImage = {
      name: asked.name,
      visibility: caller.projectId === instance.projectId ? 'private' : 'shared',
      // What Nova says of an image without bits.
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      minDiskGiB: Math.max(kept.minDiskGiB, instance.flavor.rootGiB),
      minRamMiB: kept.minRamMiB,
      properties: {
        // Without an image of its own the base is an empty text, as Nova has it.
        ...inheritedProperties(deps, { ...instance, image: kept }),
        ...asked.metadata,
        ...root,
        ...(mapping.length === 0 ? {} : { block_device_mapping: JSON.stringify(mapping), bdm_v2: 'True' }),
      },
    }
    try {
      return await describe(deps, caller, instance, image)
    } catch (error) {
      await undo()
      throw error
    }
  })
}
