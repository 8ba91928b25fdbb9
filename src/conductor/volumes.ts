import { Fault } from '#base'
import { type ConnectionInfo, type VolumeAttachment, VolumeNotFound } from '#cloud'
import { type BlockDevice, type Instance, isVolume, nameDevices } from '#model'
import type { ConductorDeps } from './deps.ts'
import { hostClient } from './hosts.ts'

/**
 * The volumes of a server, by its record of disks. An attachment is made without a host first and holds the volume for the
 * server; with a host's connector it becomes a connection, which the record keeps; complete means that the guest has it.
 * All of this converges: what an interrupted run has made is found by volume and server.
 */

export const volumesOf = async (d: ConductorDeps, instanceId: string): Promise<readonly BlockDevice[]> =>
  (await d.store.blockDevices.of(instanceId)).filter(isVolume)

const isRefusal = (error: unknown): error is Fault => error instanceof Fault && error.kind !== 'transient'

async function attachmentOf(d: ConductorDeps, volumeId: string, serverId: string): Promise<VolumeAttachment> {
  const [known] = await d.volumes.attachments('service', { volumeId, serverId })
  return known ?? (await d.volumes.createAttachment('service', { volumeId, serverId }))
}

/** Holds the volume for the server, if nobody has done it yet; returns the attachment's id. */
export async function reserveVolume(d: ConductorDeps, device: BlockDevice): Promise<string> {
  if (device.attachmentId !== null) return device.attachmentId
  if (device.volumeId === null) throw VolumeNotFound({ id: device.id })
  const { id } = await attachmentOf(d, device.volumeId, device.instanceId)
  await d.store.blockDevices.change(device.id, { attachmentId: id })
  return id
}

/** Every volume that is known by now. */
export async function reserveVolumes(d: ConductorDeps, instanceId: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId)) if (device.volumeId !== null) await reserveVolume(d, device)
}

/** A connection as the record keeps it: with what the hypervisor must know of the volume besides. */
export async function connectionRecord(
  d: ConductorDeps,
  volumeId: string,
  connection: ConnectionInfo | undefined,
): Promise<BlockDevice['connectionInfo']> {
  if (connection === undefined) return null
  const { isMultiattach, isEncrypted } = await d.volumes.get('service', volumeId)
  return {
    ...connection,
    ...(isMultiattach ? { multiattach: true } : {}),
    ...(isEncrypted ? { encryption: await d.volumes.encryption('service', volumeId) } : {}),
  }
}

/** Connects a held volume to a host; the record then has the connection. `at`: of the host's cell. */
export async function connectVolume(d: ConductorDeps, device: BlockDevice, host: string, at = d): Promise<BlockDevice> {
  if (device.connectionInfo !== null) return device
  const attachmentId = await reserveVolume(d, device)
  const connector = await hostClient(at, host).volumeConnector({})
  const mountpoint = device.deviceName === null ? {} : { mountpoint: device.deviceName }
  const { connection } = await d.volumes.updateAttachment('service', attachmentId, { ...connector, ...mountpoint })
  const connectionInfo = await connectionRecord(d, device.volumeId ?? '', connection)
  await d.store.blockDevices.change(device.id, { connectionInfo })
  return { ...device, attachmentId, connectionInfo }
}

/** Volumes that came while the server was on no host have no names yet. */
async function nameAll(d: ConductorDeps, instance: Instance): Promise<void> {
  const devices = await d.store.blockDevices.of(instance.id)
  const named = nameDevices(devices, instance.rootDeviceName ?? '/dev/vda')
  for (const [i, { id, deviceName }] of named.entries())
    if (devices[i]?.deviceName === null) await d.store.blockDevices.change(id, { deviceName })
}

/** For a guest that starts on this host with all its volumes. */
export async function connectVolumes(d: ConductorDeps, instance: Instance, host: string, at = d): Promise<void> {
  await nameAll(d, instance)
  for (const device of await volumesOf(d, instance.id)) {
    const { attachmentId } = await connectVolume(d, device, host, at)
    if (attachmentId !== null) await d.volumes.completeAttachment('service', attachmentId)
  }
}

/** Gives the volume back; the record of the disk stays, without attachment. */
export async function releaseVolume(d: ConductorDeps, device: BlockDevice): Promise<void> {
  const { volumeId, instanceId: serverId } = device
  if (device.attachmentId !== null) await d.volumes.deleteAttachment('service', device.attachmentId)
  else if (volumeId !== null)
    for (const left of await attachmentsLeft(d, volumeId, serverId))
      await d.volumes.deleteAttachment('service', left.id)
  await d.store.blockDevices.change(device.id, { attachmentId: null, connectionInfo: null })
}

async function attachmentsLeft(d: ConductorDeps, volumeId: string, serverId: string) {
  try {
    return await d.volumes.attachments('service', { volumeId, serverId })
  } catch (error) {
    if (VolumeNotFound.is(error)) return []
    throw error
  }
}

export async function releaseVolumes(d: ConductorDeps, instanceId: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId)) await releaseVolume(d, device)
}

/** From here on the volume is held without a host: the new hold is there before the connection goes. */
export async function holdOnly(d: ConductorDeps, device: BlockDevice, volumeId: string): Promise<void> {
  const { instanceId: serverId } = device
  const all = await d.volumes.attachments('service', { volumeId, serverId })
  const free = all.find(attachment => attachment.connection === undefined)
  const kept = free ?? (await d.volumes.createAttachment('service', { volumeId, serverId }))
  await d.store.blockDevices.change(device.id, { attachmentId: kept.id, connectionInfo: null })
  for (const { id } of all) if (id !== kept.id) await d.volumes.deleteAttachment('service', id)
}

/**
 * Takes the volumes off a host and keeps them held for the server: for a guest that did not come to be there, or is
 * shelved away. One that cannot be held is free, and the next connect says so.
 */
export async function disconnectVolumes(d: ConductorDeps, instanceId: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId)) {
    if (device.volumeId === null) continue
    try {
      await holdOnly(d, device, device.volumeId)
    } catch (error) {
      if (!isRefusal(error)) throw error
      d.log.warn({ instance_id: instanceId, volume_id: device.volumeId, err: error }, 'volume is not held any more')
      await releaseVolume(d, device)
    }
  }
}

/** Asks for the end of a volume. What the volume service will not delete stays: that is not the server's business. */
export async function deleteVolume(d: ConductorDeps, instanceId: string, volumeId: string): Promise<void> {
  try {
    await d.volumes.delete('service', volumeId)
  } catch (error) {
    if (VolumeNotFound.is(error)) return
    if (!isRefusal(error)) throw error
    d.log.warn(
      { instance_id: instanceId, volume_id: volumeId, err: error },
      'volume could not be deleted with its server',
    )
  }
}

/** The end of a server: its volumes are free, and those that go with it are gone. */
export async function giveUpVolumes(d: ConductorDeps, instanceId: string): Promise<void> {
  for (const device of await volumesOf(d, instanceId)) {
    await releaseVolume(d, device)
    // A move that was cut off may have connected it to another host too; Cinder deletes no volume that is in use.
    if (device.attachmentId !== null && device.volumeId !== null)
      for (const left of await attachmentsLeft(d, device.volumeId, instanceId))
        await d.volumes.deleteAttachment('service', left.id)
    if (device.deleteOnTermination && device.volumeId !== null) await deleteVolume(d, instanceId, device.volumeId)
  }
}
