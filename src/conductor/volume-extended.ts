import type { Instance } from '#model'
import type { ConductorDeps } from './deps.ts'

/**
 * A volume of the server has grown: its record does too. A volume that is told to grow only when its guest is ready
 * (`extending`) learns that it may.
 */
export async function volumeExtended(deps: ConductorDeps, instance: Instance, volumeId: string): Promise<void> {
  const { store, volumes, log } = deps
  const device = (await store.blockDevices.of(instance.id)).find(found => found.volumeId === volumeId)
  if (device === undefined) {
    log.warn({ instance_id: instance.id, volume_id: volumeId }, 'a volume that this server does not have was extended')
    return
  }
  const volume = await volumes.get('service', volumeId)
  await store.blockDevices.change(device.id, { size: volume.sizeGiB })
  if (volume.status === 'extending') await volumes.completeExtend('service', volumeId, { isFailed: false })
}
