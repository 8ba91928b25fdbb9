import { declareFault } from '#base'
import type { BlockDevice } from '#model'
import { flag, required, text } from '../kit/arguments.ts'
import { type CommandGroup, command } from '../kit/command.ts'
import { table } from '../kit/table.ts'
import { findServer } from '../servers/find.ts'
import { refusing } from '../servers/refusals.ts'

export const VolumeNotAttached = declareFault(
  'VolumeBDMNotFound',
  'missing',
  (p: { id: string }) => `No volume Block Device Mapping with id ${p.id}.`,
)

type Properties = Readonly<Record<string, unknown>>

/** By name, as Nova draws whatever has properties. */
const drawn = (properties: Properties): string => {
  const rows = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
  return table(['Property', 'Value'], rows, { align: 'left' })
}

/** In Cinder's words. */
function connectionOf({ connectionInfo, volumeId }: BlockDevice): Properties | null {
  if (connectionInfo === null) return null
  const { driverVolumeType, ...rest } = connectionInfo
  return { driver_volume_type: driverVolumeType, serial: volumeId, ...rest }
}

/** The record of the disk by Nova's names. */
function recordOf(device: BlockDevice): Properties {
  const connection = connectionOf(device)
  return {
    attachment_id: device.attachmentId,
    boot_index: device.bootIndex,
    connection_info: connection === null ? null : JSON.stringify(connection),
    created_at: new Date(device.createdAtMs).toISOString(),
    delete_on_termination: device.deleteOnTermination,
    destination_type: device.destination,
    device_name: device.deviceName,
    device_type: device.deviceType,
    disk_bus: device.diskBus,
    guest_format: device.guestFormat,
    image_id: device.imageId,
    instance_uuid: device.instanceId,
    snapshot_id: device.snapshotId,
    source_type: device.source,
    tag: device.tag,
    uuid: device.id,
    volume_id: device.volumeId,
    volume_size: device.size,
    volume_type: device.volumeType,
  }
}

/** Exit 2: no such server; 3: the volume is not attached to it. */
const show = command({
  name: 'show',
  help: 'Show what is recorded of a volume of a server, with its connection, which may hold secrets.',
  arguments: {
    instance_uuid: required(text('<instance_uuid>', 'UUID of the instance')),
    volume_id: required(text('<volume_id>', 'UUID of the volume')),
    '--connection_info': flag('Only how the host reaches the volume'),
  },
  run: ({ instance_uuid: id, volume_id: volumeId, '--connection_info': onlyConnection }, { world }) =>
    refusing({ InstanceNotFound: 2, [VolumeNotAttached.code]: 3 }, async () => {
      const { store } = await findServer(world, id)
      const device = (await store.blockDevices.of(id)).find(one => one.volumeId === volumeId)
      if (device === undefined) throw VolumeNotAttached({ id: volumeId })
      const value = onlyConnection ? connectionOf(device) : recordOf(device)
      return { exitCode: 0, text: drawn(value ?? {}), value }
    }),
})

/** `nova-manage volume_attachment …`: what is recorded of the volumes of servers. */
export const volumeAttachment: CommandGroup = {
  name: 'volume_attachment',
  help: 'volumes of servers',
  commands: [show],
  faultExitCode: 1,
}
