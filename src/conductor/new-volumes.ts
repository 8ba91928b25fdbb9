import { declareFault, pause } from '#base'
import type { Volume, VolumeRequest } from '#cloud'
import { VolumeNotFound } from '#cloud'
import { type BlockDevice, isVolume } from '#model'
import type { StepContext } from '#saga'
import type { ConductorDeps } from './deps.ts'
import { deleteVolume, releaseVolume, reserveVolume, volumesOf } from './volumes.ts'

/** Volumes that a server's disks ask for: of an image, of a snapshot, or empty. */

export const VolumeNotCreated = declareFault(
  'VolumeNotCreated',
  'final',
  (p: { id: string; seconds: number; attempts: number; status: string }) =>
    `Volume ${p.id} did not finish being created even after we waited ${p.seconds} seconds or ${p.attempts} attempts. And its status is ${p.status}.`,
)

/** By it a volume is found whose creation was interrupted before the record knew its id. */
const deviceKey = 'nova_device'

/** In the record of a disk from just before its volume is asked for until its id is known. */
const beingMade = { isBeingMade: true } as const
const mayExist = (device: BlockDevice): boolean => device.connectionInfo?.['isBeingMade'] === true

const isToBeMade = (device: BlockDevice): boolean => isVolume(device) && device.source !== 'volume'

const sourceOf = ({ source, imageId, snapshotId }: BlockDevice): Partial<VolumeRequest> => {
  if (source === 'image' && imageId !== null) return { imageId }
  return source === 'snapshot' && snapshotId !== null ? { snapshotId } : {}
}

const requestFor = (device: BlockDevice, zone: string | null): VolumeRequest => ({
  name: device.source === 'blank' ? `${device.instanceId}-blank-vol` : '',
  description: '',
  ...(device.size === null ? {} : { sizeGiB: device.size }),
  ...sourceOf(device),
  ...(device.volumeType === null ? {} : { volumeType: device.volumeType }),
  ...(zone === null ? {} : { availabilityZone: zone }),
  metadata: { [deviceKey]: device.id },
})

async function interrupted(d: ConductorDeps, device: BlockDevice): Promise<Volume | undefined> {
  if (!mayExist(device)) return undefined
  return (await d.volumes.list('service')).find(volume => volume.metadata[deviceKey] === device.id)
}

/** In the name of whoever asked for the server: the volume is his, and counts in his quota. */
async function make(d: ConductorDeps, device: BlockDevice, zone: string): Promise<string> {
  const { creator } = (await d.store.launchSecrets.find(device.instanceId)) ?? {}
  const found = await interrupted(d, device)
  await d.store.blockDevices.change(device.id, { connectionInfo: beingMade })
  const request = requestFor(device, d.options.mixesZones ? null : zone)
  const { id } = found ?? (await d.volumes.create(creator ?? 'service', request))
  await d.store.blockDevices.change(device.id, { volumeId: id, connectionInfo: null })
  return id
}

/** Short at first: a blank volume is there in a moment. */
const firstPollMs = 20

async function untilAvailable(d: ConductorDeps, c: StepContext, id: string): Promise<void> {
  const beganMs = d.clock.now()
  const { volumePatienceMs, volumePollMs } = d.options
  for (let attempts = 1, pollMs = firstPollMs; ; attempts++, pollMs = Math.min(pollMs * 2, volumePollMs)) {
    const { status } = await d.volumes.get('service', id)
    if (status === 'available') return
    const waitedMs = d.clock.now() - beganMs
    const isHopeless = status !== 'creating' && status !== 'downloading'
    if (isHopeless || waitedMs >= volumePatienceMs)
      throw VolumeNotCreated({ id, seconds: Math.round(waitedMs / 1000), attempts, status })
    await pause(Math.max(pollMs, 1), d.clock, c.signal)
  }
}

/** Makes them all, waits until they are there, and holds them for the server; `zone` is that of its host. */
export async function makeVolumes(d: ConductorDeps, c: StepContext, instanceId: string, zone: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId)) {
    if (!isToBeMade(device) || device.attachmentId !== null) continue
    const volumeId = device.volumeId ?? (await make(d, device, zone))
    await untilAvailable(d, c, volumeId)
    await reserveVolume(d, { ...device, volumeId })
  }
}

/** While Cinder makes a volume it will not delete it. */
async function untilSettled(d: ConductorDeps, c: StepContext, id: string): Promise<void> {
  try {
    await untilAvailable(d, c, id)
  } catch (error) {
    if (!VolumeNotCreated.is(error) && !VolumeNotFound.is(error)) throw error
  }
}

/** None of them is left, whether they were finished or not. */
export async function unmakeVolumes(d: ConductorDeps, c: StepContext, instanceId: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId)) {
    if (!isToBeMade(device)) continue
    const volumeId = device.volumeId ?? (await interrupted(d, device))?.id
    if (volumeId !== undefined) {
      // Known before anything else happens to it: the mark of its making is about to go.
      await d.store.blockDevices.change(device.id, { volumeId })
      await releaseVolume(d, { ...device, volumeId })
      await untilSettled(d, c, volumeId)
      await deleteVolume(d, instanceId, volumeId)
    }
    await d.store.blockDevices.change(device.id, { volumeId: null, connectionInfo: null })
  }
}
