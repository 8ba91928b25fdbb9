import type { SagaInputs } from '#bus'
import type { VolumeAttachment } from '#cloud'
import { InstanceNotReady } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { GuestNotFound } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { guestDisk } from '../guest-spec.ts'
import { hostClient } from '../hosts.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { connectionRecord } from '../volumes.ts'

type Swap = SagaInputs['volume-swap']

const event = 'compute_swap_volume'

/** The new volume's attachment, made by whoever accepted the swap or by an interrupted run. */
async function held(
  d: ConductorDeps,
  { newVolumeId: volumeId, instanceId: serverId }: Swap,
): Promise<VolumeAttachment> {
  const [known] = await d.volumes.attachments('service', { volumeId, serverId })
  return known ?? (await d.volumes.createAttachment('service', { volumeId, serverId }))
}

async function roll(d: ConductorDeps, volumeId: string): Promise<void> {
  const { status } = await d.volumes.get('service', volumeId)
  if (status === 'detaching') await d.volumes.rollDetaching('service', volumeId)
}

async function deviceOf(d: ConductorDeps, id: string) {
  const device = await d.store.blockDevices.find(id)
  if (device === undefined) throw InstanceNotReady({ id })
  return device
}

/** Cinder moves a volume by having the server swap it; then Cinder says which of the two ids stays. */
async function keptId(d: ConductorDeps, { oldVolumeId, newVolumeId }: Swap, isMigration: boolean): Promise<string> {
  if (!isMigration) return newVolumeId
  return d.volumes.completeMigration('service', oldVolumeId, newVolumeId, { isFailed: false })
}

const volumesOf = ({ input: { oldVolumeId, newVolumeId } }: { readonly input: Swap }) => ({ oldVolumeId, newVolumeId })

/**
 * One volume takes the place of another under a running guest. Until the guest has the other one everything can be taken
 * back; then the first is let go, and the record follows.
 */
export const volumeSwap = saga<ConductorDeps, Swap, Store>('volume-swap')
  .step(
    'reservation',
    async (s, d) => {
      const { host } = await d.store.instances.get(s.input.instanceId)
      if (host === null) throw InstanceNotReady({ id: s.input.instanceId })
      await startEvent(d.store, d.clock.now(), s.input, event, host)
      const old = await d.volumes.get('service', s.input.oldVolumeId)
      const { id } = await held(d, s.input)
      const { sizeGiB } = await d.volumes.get('service', s.input.newVolumeId)
      const isMigration = old.migrationStatus !== null && !['success', 'error', 'none'].includes(old.migrationStatus)
      return { host, attachmentId: id, sizeGiB, isMigration }
    },
    async (s, d) => {
      const { newVolumeId: volumeId, instanceId: serverId, oldVolumeId } = s.input
      for (const { id } of await d.volumes.attachments('service', { volumeId, serverId }))
        await d.volumes.deleteAttachment('service', id)
      await roll(d, oldVolumeId)
      if (s.reservation?.isMigration === true)
        await d.volumes.completeMigration('service', oldVolumeId, volumeId, { isFailed: true })
    },
  )
  .step('connection', async (s, d) => {
    const { host, attachmentId } = s.reservation
    const { deviceName } = await deviceOf(d, s.input.deviceId)
    const connector = await hostClient(d, host).volumeConnector({})
    const mountpoint = deviceName === null ? {} : { mountpoint: deviceName }
    const { connection } = await d.volumes.updateAttachment('service', attachmentId, { ...connector, ...mountpoint })
    return { info: await connectionRecord(d, s.input.newVolumeId, connection) }
  })
  .pivot(
    'guest',
    async (s, d, c) => {
      const { instanceId: id, oldVolumeId, newVolumeId: volumeId } = s.input
      const instance = await d.store.instances.get(id)
      const device = await deviceOf(d, s.input.deviceId)
      const size = s.reservation.sizeGiB
      const disk = guestDisk({ ...device, volumeId, size, connectionInfo: s.connection.info }, instance)
      await hostClient(d, s.reservation.host).swapVolume({ id, oldVolumeId, disk }, { key: c.key })
    },
    async (s, d, c) => {
      // The answer was lost and the guest may have the new one already: back to the old.
      const { instanceId: id, newVolumeId } = s.input
      const instance = await d.store.instances.find(id)
      const device = await d.store.blockDevices.find(s.input.deviceId)
      if (instance === undefined || device === undefined) return
      const disk = guestDisk(device, instance)
      try {
        await hostClient(d, s.reservation.host).swapVolume({ id, oldVolumeId: newVolumeId, disk }, { key: c.key })
      } catch (error) {
        // A guest that is not there has the new one as little as the old.
        if (!GuestNotFound.is(error)) throw error
      }
    },
  )
  .step('complete', async (s, d) => {
    await d.volumes.completeAttachment('service', s.reservation.attachmentId)
    const device = await deviceOf(d, s.input.deviceId)
    if (device.attachmentId !== null && device.attachmentId !== s.reservation.attachmentId)
      await d.volumes.deleteAttachment('service', device.attachmentId)
  })
  .step('record', async (s, d) => {
    const volumeId = await keptId(d, s.input, s.reservation.isMigration)
    const { attachmentId, sizeGiB: size } = s.reservation
    const change = { volumeId, attachmentId, size, connectionInfo: s.connection.info }
    await d.store.blockDevices.change(s.input.deviceId, change)
  })
  .settled(async (s, outcome, tx, { nowMs }) => {
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, event, failure)
    if (failure !== undefined) await recordFault(tx, nowMs, s.input, failure, s.reservation?.host ?? null)
  })
  .telling({
    'before connection': say('instance.volume_swap.start', volumesOf),
    undone: say('instance.volume_swap.error', volumesOf, 'before connection'),
    done: say('instance.volume_swap.end', volumesOf),
  })
