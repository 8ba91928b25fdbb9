import type { GuestConfigDrive, GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { isPciExpress, machineType, rootDevice } from './machine.ts'
import { imageProperty, oneOf } from './properties.ts'

export const diskBuses = ['virtio', 'scsi', 'sata', 'ide', 'usb'] as const
export type DiskBus = (typeof diskBuses)[number]
type Device = 'disk' | 'cdrom'

export const targetPrefix: Record<DiskBus, string> = { virtio: 'vd', scsi: 'sd', sata: 'sd', usb: 'sd', ide: 'hd' }

/** IDE does not exist on q35; SATA is what the same drivers find there. */
export const onMachine = (bus: DiskBus, spec: GuestSpec, host: DomainHost): DiskBus =>
  bus === 'ide' && isPciExpress(machineType(spec, host)) ? 'sata' : bus

const busOfDisks = (spec: GuestSpec, host: DomainHost): DiskBus =>
  onMachine(oneOf(imageProperty(spec, 'hw_disk_bus'), diskBuses, 'virtio'), spec, host)

const busOfCdroms = (spec: GuestSpec, host: DomainHost): DiskBus =>
  onMachine(oneOf(imageProperty(spec, 'hw_cdrom_bus'), diskBuses, 'ide'), spec, host)

const busOf = (device: Device, spec: GuestSpec, host: DomainHost): DiskBus =>
  device === 'cdrom' ? busOfCdroms(spec, host) : busOfDisks(spec, host)

const configDevice = (format: GuestConfigDrive['format']): Device => (format === 'iso9660' ? 'cdrom' : 'disk')

/** Root, ephemeral, swap, config drive; letters go on per kind of name, so with a CD-ROM as root the first disk is still `vda`. */
export const disks: Family = (spec, host) => {
  const used = new Map<string, number>()
  const disk = (device: Device, type: 'qcow2' | 'raw', file: string) => {
    const bus = busOf(device, spec, host)
    const prefix = targetPrefix[bus]
    const number = used.get(prefix) ?? 0
    used.set(prefix, number + 1)
    return element(
      'disk',
      { type: 'file', device },
      element('driver', { name: 'qemu', type, cache: host.diskCache, io: host.diskIo }),
      element('source', { file }),
      element('target', { dev: `${prefix}${'abcdefgh'.charAt(number)}`, bus }),
      device === 'cdrom' ? element('readonly') : undefined,
    )
  }
  const { ephemeralGiB, swapMiB } = spec.flavor
  const { configDrive } = spec
  return [
    disk(rootDevice(spec), host.rootFormat(spec.id), host.diskPath(spec.id)),
    ...(ephemeralGiB > 0 ? [disk('disk', 'raw', host.ephemeralPath(spec.id))] : []),
    ...(swapMiB > 0 ? [disk('disk', 'raw', host.swapPath(spec.id))] : []),
    ...(configDrive === undefined
      ? []
      : [disk(configDevice(configDrive.format), 'raw', host.configDrivePath(spec.id))]),
  ]
}

const devicesOf = (spec: GuestSpec): readonly Device[] => [
  rootDevice(spec),
  'disk',
  ...(spec.configDrive === undefined ? [] : [configDevice(spec.configDrive.format)]),
]

export const controllers: Family = (spec, host) => [
  ...(devicesOf(spec).some(device => busOf(device, spec, host) === 'scsi')
    ? [element('controller', { type: 'scsi', index: 0, model: scsiModel(spec) })]
    : []),
  // Hot-plug on PCI Express needs a free root port for each device.
  ...(isPciExpress(machineType(spec, host))
    ? [
        element('controller', { type: 'pci', model: 'pcie-root' }),
        ...Array.from({ length: hotplugRootPorts }, rootPort),
      ]
    : []),
]

const hotplugRootPorts = 16
const rootPort = () => element('controller', { type: 'pci', model: 'pcie-root-port' })

const scsiModel = (spec: GuestSpec): string =>
  oneOf(imageProperty(spec, 'hw_scsi_model'), ['virtio-scsi', 'lsilogic', 'lsisas1068', 'vmpvscsi'], 'virtio-scsi')
