import { operation, since } from '#api/kit'
import { type Caller, InvalidVolume, type Volume, VolumeInputRefused } from '#cloud'
import { type BlockDevice, type Instance, isRootDevice } from '#model'
import { isServiceUp } from '#store'
import { mustAllow } from '../../accept/task.ts'
import { acceptVolumeTask } from '../../accept/volume-task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { type Asking, mustTakeShelved } from './attach.ts'
import { HostDown, NotAttached, RootStays } from './faults.ts'

/** The server's disk on this volume. */
export async function attachedDevice(deps: ApiDeps, instance: Instance, volumeId: string): Promise<BlockDevice> {
  const device = (await deps.store.blockDevices.of(instance.id)).find(d => d.volumeId === volumeId)
  if (device === undefined) throw NotAttached({ id: instance.id, volumeId })
  return device
}

/** Cinder's refusal to let go, as Nova words it. */
export async function beginDetaching(deps: ApiDeps, caller: Caller, volume: Volume) {
  try {
    await deps.volumes.beginDetaching(caller, volume.id)
  } catch (error) {
    if (!VolumeInputRefused.is(error)) throw error
    throw InvalidVolume({ reason: error.message }, { cause: error })
  }
}

async function mustHaveLiveHost(deps: ApiDeps, { host }: Instance): Promise<void> {
  if (host === null) return
  const service = await deps.store.services.find(host, 'nova-compute')
  const isUp = service !== undefined && isServiceUp(service, deps.clock.now(), deps.settings.serviceDownTimeMs)
  if (!isUp) throw HostDown({})
}

/** The saga that takes the volume away; Cinder knows of it. */
export async function acceptDetach(
  deps: ApiDeps,
  { caller, isAdmin: isAdminCaller, requestId }: Asking,
  instance: Instance,
  device: BlockDevice,
  volume: Volume,
): Promise<void> {
  await acceptVolumeTask(deps, caller, requestId, instance, isAdminCaller, {
    action: 'detachVolume',
    word: 'detach_volume',
    saga: 'volume-detach',
    prepare: async () => ({ deviceId: device.id, volumeId: volume.id }),
    hold: async () => {
      // A volume that is only held for a server cannot be detaching.
      if (instance.vmState !== 'shelved_offloaded') await beginDetaching(deps, caller, volume)
    },
    takeBack: async () => undefined,
  })
}

/** Takes a volume away; the root disk stays. */
export const detach = operation<ApiDeps, { id: string; volumeId: string }>()({
  status: 202,
  policy: 'os_compute_api:os-volumes-attachments:delete',
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    InstanceInvalidState: 409,
    VolumeNotFound: 404,
    VolumeNotAttached: 404,
    RootDeviceStays: 400,
    InvalidVolume: 400,
    Forbidden: 403,
    VolumeConflict: 409,
    ServiceUnavailable: 409,
  },
  behaviours: { takesShelved: since('2.20') },
  async handle({ path, caller, allow, behaves, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustTakeShelved(instance, behaves.takesShelved, 'detach_volume')
    const volume = await deps.volumes.get(caller, path.volumeId)
    const device = await attachedDevice(deps, instance, volume.id)
    if (isRootDevice(device)) throw RootStays({})
    mustAllow(instance, 'detachVolume', 'detach_volume', isAdmin(caller))
    if (instance.vmState !== 'shelved_offloaded') await mustHaveLiveHost(deps, instance)
    await acceptDetach(deps, { caller, isAdmin: isAdmin(caller), requestId }, instance, device, volume)
  },
})
