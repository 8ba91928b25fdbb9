import type { BlockDevice, Instance } from '#model'
import type { ConductorDeps } from './deps.ts'
import { hostClient } from './hosts.ts'
import { connectionRecord, connectVolumes, disconnectVolumes, volumesOf } from './volumes.ts'

/**
 * For a guest that is off: its volumes are taken off whatever host they are on, and connected to this one. Converges.
 * `at`: of the host's cell.
 */
export async function moveVolumes(d: ConductorDeps, instance: Instance, to: string, at = d): Promise<void> {
  await disconnectVolumes(d, instance.id)
  await connectVolumes(d, instance, to, at)
}

/** A second connection of a volume, for the host to which its running guest is about to move. */
export interface TargetVolume {
  readonly deviceId: string
  readonly volumeId: string
  readonly attachmentId: string
  readonly connectionInfo: BlockDevice['connectionInfo']
}

/** Gives back every attachment of the server but the one that its record names. */
async function dropOthers(d: ConductorDeps, device: BlockDevice, volumeId: string): Promise<void> {
  const all = await d.volumes.attachments('service', { volumeId, serverId: device.instanceId })
  for (const { id } of all) if (id !== device.attachmentId) await d.volumes.deleteAttachment('service', id)
}

/** Both hosts reach the volumes afterwards; the record still names the source's attachments. */
export async function connectTarget(d: ConductorDeps, instanceId: string, host: string): Promise<TargetVolume[]> {
  const connected: TargetVolume[] = []
  for (const device of await volumesOf(d, instanceId)) {
    const { id: deviceId, volumeId, deviceName } = device
    if (volumeId === null || device.attachmentId === null) continue
    await dropOthers(d, device, volumeId)
    const connector = await hostClient(d, host).volumeConnector({})
    const mountpoint = deviceName === null ? {} : { mountpoint: deviceName }
    const request = { volumeId, serverId: instanceId, connector: { ...connector, ...mountpoint } }
    const { id: attachmentId, connection } = await d.volumes.createAttachment('service', request)
    const connectionInfo = await connectionRecord(d, volumeId, connection)
    connected.push({ deviceId, volumeId, attachmentId, connectionInfo })
  }
  return connected
}

export async function disconnectTarget(d: ConductorDeps, instanceId: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId))
    if (device.volumeId !== null && device.attachmentId !== null) await dropOthers(d, device, device.volumeId)
}

/** The guest is there: the record follows, and the source's attachments go. */
export async function keepTarget(
  d: ConductorDeps,
  instanceId: string,
  targets: readonly TargetVolume[],
): Promise<void> {
  for (const { deviceId, volumeId, attachmentId, connectionInfo } of targets) {
    await d.store.blockDevices.change(deviceId, { attachmentId, connectionInfo })
    await d.volumes.completeAttachment('service', attachmentId)
    const all = await d.volumes.attachments('service', { volumeId, serverId: instanceId })
    for (const { id } of all) if (id !== attachmentId) await d.volumes.deleteAttachment('service', id)
  }
}
