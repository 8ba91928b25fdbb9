import type { Instance } from '#model'
import type { ConductorDeps } from './deps.ts'
import { hostClient } from './hosts.ts'

/**
 * A volume of the server has grown: so do its record and what the guest sees of it. A volume service that waits for the guest
 * (`extending`) is told the outcome.
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
  const tell = (isFailed: boolean) =>
    volume.status === 'extending' ? volumes.completeExtend('service', volumeId, { isFailed }) : undefined
  try {
    if (instance.host !== null)
      await hostClient(deps, instance.host).extendVolume({ id: instance.id, volumeId, sizeGiB: volume.sizeGiB })
  } catch (error) {
    await tell(true)
    throw error
  }
  await tell(false)
}
