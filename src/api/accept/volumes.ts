import { Fault } from '#base'
import { type Caller, InvalidVolume } from '#cloud'
import type { BlockDevice } from '#model'
import { type Store, turnOf } from '#store'
import type { ApiDeps } from '../deps.ts'

/** How long a saga waits for the request that accepted it to hold its volumes; then it does that itself. */
export const holdMs = 60_000

/** Volumes for one server each, and a disk of a server has this one: the same as when Cinder refuses it. */
export async function mustBeUnused(tx: Store, volumeIds: readonly string[]): Promise<void> {
  await tx.turn(...volumeIds.map(turnOf.volume))
  for (const id of volumeIds) {
    const [used] = await tx.blockDevices.ofVolume(id)
    if (used === undefined) continue
    const status = used.attachmentId === null ? 'reserved' : 'in-use'
    const reason = `Invalid volume: Volume ${id} status must be available or downloading to reserve, but the current status is ${status}. (HTTP 400)`
    throw InvalidVolume({ reason: `Invalid input received: ${reason}` })
  }
}

const isUsers = (device: BlockDevice): boolean =>
  device.source === 'volume' && device.volumeId !== null && device.attachmentId === null

/**
 * Holds a new server's volumes while its user still waits, as Nova does; whatever goes wrong now goes wrong again in the
 * saga, which then takes everything back.
 */
export async function holdVolumes(deps: ApiDeps, caller: Caller, serverId: string): Promise<void> {
  for (const device of (await deps.store.blockDevices.of(serverId)).filter(isUsers)) {
    try {
      await holdVolume(deps, caller, device)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      deps.log.info({ instance_id: serverId, volume_id: device.volumeId, err: error }, 'volume could not be held')
      return
    }
  }
}

export async function holdVolume(deps: ApiDeps, caller: Caller, device: BlockDevice): Promise<void> {
  const { volumeId, instanceId: serverId } = device
  if (volumeId === null) return
  const { id } = await deps.volumes.createAttachment(caller, { volumeId, serverId })
  await deps.store.blockDevices.change(device.id, { attachmentId: id })
}
