import { InvalidVolume } from '#cloud'
import type { ApiDeps } from '../../deps.ts'

/** A volume that is just coming or going would not be there when the guest is made anew. */
export async function mustHoldVolumes(deps: ApiDeps, instanceId: string): Promise<void> {
  for (const { volumeId } of await deps.store.blockDevices.of(instanceId)) {
    if (volumeId === null) continue
    const { status } = await deps.volumes.get('service', volumeId)
    if (status !== 'in-use') {
      throw InvalidVolume({
        reason: `volume '${volumeId}' status must be 'in-use'. Currently in '${status}' status`,
      })
    }
  }
}
