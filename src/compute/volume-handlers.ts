import { instanceId } from '#base'
import type { ComputeContract, Handlers } from '#bus'
import { type GuestSpec, HypervisorError, type VirtDriver } from '#virt'
import type { GuestActors } from './guest-actors.ts'

type VolumeMethods = Pick<
  Handlers<ComputeContract>,
  | 'volumeConnector'
  | 'attachVolume'
  | 'detachVolume'
  | 'swapVolume'
  | 'extendVolume'
  | 'snapshotVolume'
  | 'mergeVolumeSnapshot'
>

/** A guest with volumes is only for hypervisors that can hold them. */
export function mustHoldVolumes(driver: VirtDriver, spec: GuestSpec): void {
  if (driver.volumes === undefined && spec.disks.some(disk => disk.kind === 'volume'))
    throw HypervisorError({ operation: 'start', reason: 'this hypervisor cannot attach volumes' })
}

/** Volumes of guests on this host; each in the queue of its guest. */
export function volumeHandlers(driver: VirtDriver, actors: GuestActors): VolumeMethods {
  const volumes = () => {
    if (driver.volumes === undefined)
      throw HypervisorError({ operation: 'volumes', reason: 'this hypervisor cannot attach volumes' })
    return driver.volumes
  }
  const snapshots = () => {
    if (driver.volumeSnapshots === undefined)
      throw HypervisorError({ operation: 'volume snapshot', reason: 'this hypervisor cannot snapshot volumes' })
    return driver.volumeSnapshots
  }
  return {
    volumeConnector: () => volumes().connector(),
    attachVolume: async ({ id, disk }) => {
      await actors.run(id, 'attach', () => volumes().attach(instanceId(id), disk))
      return null
    },
    detachVolume: async ({ id, volumeId }) => {
      await actors.run(id, 'detach', () => volumes().detach(instanceId(id), volumeId))
      return null
    },
    swapVolume: async ({ id, oldVolumeId, disk }) => {
      await actors.run(id, 'swap', () => volumes().swap(instanceId(id), oldVolumeId, disk))
      return null
    },
    extendVolume: async ({ id, volumeId, sizeGiB }) => {
      await actors.run(id, 'attach', () => volumes().extend(instanceId(id), volumeId, sizeGiB))
      return null
    },
    snapshotVolume: async ({ id, volumeId, snapshotId, newFile }) => {
      await actors.run(id, 'attach', () => snapshots().create(instanceId(id), volumeId, { id: snapshotId, newFile }))
      return null
    },
    mergeVolumeSnapshot: async ({ id, volumeId, snapshotId, fileToMerge, mergeTarget }) => {
      const snapshot = { id: snapshotId, fileToMerge, mergeTarget }
      await actors.run(id, 'attach', () => snapshots().remove(instanceId(id), volumeId, snapshot))
      return null
    },
  }
}
