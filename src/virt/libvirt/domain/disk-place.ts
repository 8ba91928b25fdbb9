import type { GuestDisk, GuestSpec } from '../../guest-spec.ts'
import type { DomainHost } from './host.ts'
import { isPciExpress, machineType, rootDevice } from './machine.ts'
import { imageProperty, oneOf } from './properties.ts'

/** Where a disk is in the guest: what it looks like, on which bus, under which name. */

export const diskBuses = ['virtio', 'scsi', 'sata', 'ide', 'usb', 'fdc'] as const
export type DiskBus = (typeof diskBuses)[number]
const deviceKinds = ['disk', 'cdrom', 'floppy', 'lun'] as const
export type DeviceKind = (typeof deviceKinds)[number]

export interface DiskPlace {
  readonly device: DeviceKind
  readonly bus: DiskBus
  /** `vda` */
  readonly target: string
  /** On virtio-scsi, which takes 256 disks if they are told where to sit: by itself libvirt adds a controller for every seven. */
  readonly unit: number | undefined
}

export const targetPrefix: Record<DiskBus, string> = {
  virtio: 'vd',
  scsi: 'sd',
  sata: 'sd',
  usb: 'sd',
  ide: 'hd',
  fdc: 'fd',
}

const deviceOf = (disk: GuestDisk, spec: GuestSpec): DeviceKind =>
  disk.kind === 'image' && rootDevice(spec) === 'cdrom' ? 'cdrom' : kindOf(disk)

const kindOf = (disk: GuestDisk): DeviceKind => oneOf(disk.deviceType, deviceKinds, 'disk')

const cdromBus = (isExpress: boolean): DiskBus => (isExpress ? 'sata' : 'ide')

/** IDE does not exist on q35; SATA is what the same drivers find there. */
export const onMachine = (bus: DiskBus, isExpress: boolean): DiskBus => (bus === 'ide' && isExpress ? 'sata' : bus)

const usualBus = (device: DeviceKind, isExpress: boolean): DiskBus => {
  if (device === 'cdrom') return cdromBus(isExpress)
  return device === 'floppy' ? 'fdc' : 'virtio'
}

const busProperty: Record<DeviceKind, string> = {
  disk: 'hw_disk_bus',
  lun: 'hw_disk_bus',
  cdrom: 'hw_cdrom_bus',
  floppy: 'hw_floppy_bus',
}

/** The bus that image and machine give to devices of a kind. */
export function busOfImage(device: DeviceKind, spec: GuestSpec, host: DomainHost): DiskBus {
  const isExpress = isPciExpress(machineType(spec, host))
  const wanted = oneOf(imageProperty(spec, busProperty[device]), diskBuses, usualBus(device, isExpress))
  return onMachine(wanted, isExpress)
}

const busOfName: Readonly<Record<string, DiskBus>> = { vd: 'virtio', sd: 'scsi', hd: 'ide', fd: 'fdc' }

/**
 * The bus of a volume beside the root disk: what was asked for, or what its name says; a name of no bus (`xvdb`), and
 * that of a CD-ROM or floppy, say nothing.
 */
export function busOfVolume(disk: GuestDisk, isExpress: boolean): DiskBus {
  const device = kindOf(disk)
  const named = busOfName[bare(disk.deviceName).slice(0, 2)]
  const usual = device === 'disk' || device === 'lun' ? (named ?? 'virtio') : usualBus(device, isExpress)
  return onMachine(oneOf(disk.bus ?? undefined, diskBuses, usual), isExpress)
}

const bare = (deviceName: string): string => deviceName.replace(/^\/dev\//, '')

/** `b` of `/dev/vdb`; nothing of a name that is none. */
const lettersOf = (deviceName: string): string =>
  /^(?:vd|sd|hd|fd|xvd|ubd)([a-z]+)\d*$/.exec(bare(deviceName))?.[1] ?? ''

/** a … z, aa, ab, … */
const lettersAt = (index: number): string => {
  const rest = Math.floor(index / 26) - 1
  return (rest >= 0 ? lettersAt(rest) : '') + String.fromCodePoint(97 + (index % 26))
}

/** The place of a name among the names of its kind: 0 for `sda`, 26 for `sdaa`. */
const indexOfTarget = (target: string): number =>
  [...lettersOf(target)].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1

export const prefixOf = (bus: DiskBus, host: Pick<DomainHost, 'diskOptions'>): string =>
  host.diskOptions.prefix ?? targetPrefix[bus]

export const firstFree = (prefix: string, used: ReadonlySet<string>): string => {
  for (let index = 0; ; index++) if (!used.has(prefix + lettersAt(index))) return prefix + lettersAt(index)
}

/** The name that the disk has in the record, with the prefix of its bus. */
export const targetOf = (disk: GuestDisk, bus: DiskBus, host: Pick<DomainHost, 'diskOptions'>): string | undefined => {
  const letters = lettersOf(disk.deviceName)
  return letters === '' ? undefined : prefixOf(bus, host) + letters
}

export const usualScsiModel = 'virtio-scsi'
const scsiModels = [usualScsiModel, 'lsilogic', 'lsisas1068', 'lsisas1078', 'vmpvscsi'] as const

export const scsiModel = (spec: GuestSpec): string =>
  oneOf(imageProperty(spec, 'hw_scsi_model'), scsiModels, usualScsiModel)

export const unitOf = (bus: DiskBus, target: string, model: string): number | undefined =>
  bus === 'scsi' && model === usualScsiModel ? indexOfTarget(target) : undefined

/** All disks of the spec in their order. A name that two would have goes to the first one. */
export function placeDisks(spec: GuestSpec, host: DomainHost): readonly (DiskPlace & { readonly disk: GuestDisk })[] {
  const isExpress = isPciExpress(machineType(spec, host))
  const used = new Set<string>()
  return spec.disks.map(disk => {
    const device = deviceOf(disk, spec)
    const isPlain = disk.kind !== 'volume' || disk.bootIndex === 0
    const ofImage = () => busOfImage(device, spec, host)
    const bus = isPlain
      ? onMachine(oneOf(disk.bus ?? undefined, diskBuses, ofImage()), isExpress)
      : busOfVolume(disk, isExpress)
    const named = targetOf(disk, bus, host)
    const target = named === undefined || used.has(named) ? firstFree(prefixOf(bus, host), used) : named
    used.add(target)
    return { disk, device, bus, target, unit: unitOf(bus, target, scsiModel(spec)) }
  })
}

/** Where a disk goes that comes while the guest exists; `used` are the names of those that it has. */
export function placeVolume(
  disk: GuestDisk,
  host: Pick<DomainHost, 'diskOptions'>,
  guest: { readonly isExpress: boolean; readonly used: ReadonlySet<string>; readonly scsiModel: string },
): DiskPlace {
  const bus = busOfVolume(disk, guest.isExpress)
  const target = targetOf(disk, bus, host) ?? firstFree(prefixOf(bus, host), guest.used)
  return { device: kindOf(disk), bus, target, unit: unitOf(bus, target, guest.scsiModel) }
}

/** The last letter, so that it is in nobody's way: volumes are named without knowing of this disk. */
export function placeConfigDrive(spec: GuestSpec, host: DomainHost, used: ReadonlySet<string>): DiskPlace {
  const device = spec.configDrive?.format === 'iso9660' ? 'cdrom' : 'disk'
  const bus = busOfImage(device, spec, host)
  const prefix = prefixOf(bus, host)
  const last = `${prefix}z`
  const isLast = bus === 'virtio' || bus === 'scsi' || bus === 'usb'
  const target = isLast && !used.has(last) ? last : firstFree(prefix, used)
  return { device, bus, target, unit: unitOf(bus, target, scsiModel(spec)) }
}
