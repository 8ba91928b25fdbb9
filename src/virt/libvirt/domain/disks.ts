import type { GuestDisk, GuestSpec } from '../../guest-spec.ts'
import { type DiskPlace, placeConfigDrive, placeDisks, scsiModel, usualScsiModel } from './disk-place.ts'
import {
  type DiskSource,
  encryptionElement,
  InvalidVolumeAccessMode,
  VolumeConnectionUnusable,
  volumeSource,
} from './disk-source.ts'
import { diskTuning, flavorTuning, volumeTuning } from './disk-tuning.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { imageProperty } from './properties.ts'

/** What disks need to know of the host; hot-plugged ones too. */
export type DiskHost = Pick<DomainHost, 'diskCache' | 'diskIo' | 'diskOptions'>

const drive = (path: string, format: DiskSource['format'] = 'raw', opened?: XmlElement): DiskSource => ({
  type: 'file',
  format,
  element: element('source', { file: path }, opened),
})

/** Position among the ephemeral disks: the first one is `disk.eph0` for good, for none of them ever goes. */
export const ephemeralIndex = (spec: GuestSpec, disk: GuestDisk): number =>
  spec.disks.filter(d => d.kind === 'ephemeral').findIndex(d => d.id === disk.id)

function localSource(spec: GuestSpec, disk: GuestDisk, host: DomainHost): DiskSource {
  const path = localPath(spec, disk, host)
  const { encryption } = disk
  if (encryption !== undefined) return drive(path, 'qcow2', encryptionElement(encryption.secretId))
  return drive(path, disk.kind === 'image' ? host.rootFormat(spec.id) : 'raw')
}

function localPath(spec: GuestSpec, disk: GuestDisk, host: DomainHost): string {
  if (disk.kind === 'image') return host.diskPath(spec.id)
  return disk.kind === 'swap' ? host.swapPath(spec.id) : host.ephemeralPath(spec.id, ephemeralIndex(spec, disk))
}

/** Disks that several guests write to must not be cached. */
const cacheOf = (source: DiskSource, isShared: boolean, host: DiskHost): string => {
  if (isShared) return 'none'
  return host.diskOptions.cacheModes[source.type] ?? (source.type === 'file' ? host.diskCache : 'none')
}

const scsiAddress = ({ unit }: DiskPlace): XmlElement | undefined =>
  unit === undefined ? undefined : element('address', { type: 'drive', controller: 0, bus: 0, target: 0, unit })

const isDisc = ({ device }: DiskPlace): boolean => device === 'cdrom'

const bootElement = (order: number | undefined): XmlElement | undefined =>
  order === undefined ? undefined : element('boot', { order })

function localElement(
  source: DiskSource,
  place: DiskPlace,
  host: DiskHost,
  more: { readonly tuning?: XmlElement | undefined; readonly order?: number | undefined },
): XmlElement {
  const cache = cacheOf(source, false, host)
  return element(
    'disk',
    { type: source.type, device: place.device },
    element('driver', {
      name: 'qemu',
      type: source.format,
      cache,
      // QEMU refuses it with a cache between.
      io: cache === 'none' || cache === 'directsync' ? host.diskIo : undefined,
      discard: isDisc(place) ? undefined : host.diskOptions.discard,
    }),
    source.element,
    element('target', { dev: place.target, bus: place.bus }),
    isDisc(place) ? element('readonly') : undefined,
    more.tuning,
    bootElement(more.order),
    scsiAddress(place),
  )
}

function isReadOnly(data: Readonly<Record<string, unknown>>): boolean {
  const mode = data['access_mode'] ?? 'rw'
  if (mode !== 'ro' && mode !== 'rw') throw InvalidVolumeAccessMode({ mode: String(mode) })
  return mode === 'ro'
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : undefined

/** The size of sectors that the volume service insists on. */
function blockSizes(data: Readonly<Record<string, unknown>>): XmlElement | undefined {
  const [logical, physical] = [numberOf(data['logical_block_size']), numberOf(data['physical_block_size'])]
  return logical === undefined && physical === undefined
    ? undefined
    : element('blockio', { logical_block_size: logical, physical_block_size: physical })
}

/** Buses whose disks have a world wide name. */
const namedBuses = new Set(['scsi', 'sata', 'ide'])
const wwnOf = (data: Readonly<Record<string, unknown>>): string | undefined => {
  const wwn = data['wwn']
  return typeof wwn === 'string' ? /^(?:0x)?([0-9a-f]{16})$/i.exec(wwn)?.[1]?.toLowerCase() : undefined
}

/** `native` needs an uncached file or device, and network disks have no such choice. */
const ioOf = (source: DiskSource, cache: string, type: string, host: DiskHost): string | undefined => {
  const isUncached = cache === 'none' || cache === 'directsync'
  const isNative = source.type === 'block' || (source.type === 'file' && type === 'nfs')
  return isNative && isUncached && !host.diskOptions.usesDefaultAio ? 'native' : undefined
}

/** One volume, as it is in the definition and as it is plugged into a guest; its connection has been prepared. */
export function volumeElement(disk: GuestDisk, place: DiskPlace, host: DiskHost, order?: number): XmlElement {
  const { volume } = disk
  if (volume === null) throw VolumeConnectionUnusable({ type: disk.kind, reason: 'it is not connected' })
  const { driverVolumeType: type, data } = volume.connection
  const source = volumeSource(volume.connection)
  const isShared = volume.isShared === true
  const cache = cacheOf(source, isShared, host)
  const wwn = namedBuses.has(place.bus) ? wwnOf(data) : undefined
  return element(
    'disk',
    { type: source.type, device: place.device },
    element('driver', {
      name: 'qemu',
      type: source.format,
      cache,
      io: ioOf(source, cache, type, host),
      discard: data['discard'] === true && !isDisc(place) ? 'unmap' : undefined,
    }),
    source.element,
    element('target', { dev: place.target, bus: place.bus }),
    isDisc(place) || isReadOnly(data) ? element('readonly') : undefined,
    isShared ? element('shareable') : undefined,
    diskTuning(volumeTuning(data)),
    blockSizes(data),
    bootElement(order),
    element('serial', {}, volume.id),
    wwn === undefined ? undefined : element('wwn', {}, wwn),
    element('alias', { name: `ua-${volume.id}` }),
    scsiAddress(place),
  )
}

/** 1 for the first that is booted from; undefined for those that are not. */
export function bootOrders(disks: readonly GuestDisk[]): ReadonlyMap<string, number> {
  const booted = disks.filter(disk => disk.bootIndex !== null)
  const sorted = booted.toSorted((a, b) => (a.bootIndex ?? 0) - (b.bootIndex ?? 0))
  return new Map(sorted.map((disk, i) => [disk.id, i + 1]))
}

/** The disks of the spec, and the config drive after them. */
export const disks: Family = (spec, host) => {
  const orders = bootOrders(spec.disks)
  const placed = placeDisks(spec, host)
  const tuning = diskTuning(flavorTuning(spec))
  const own = placed.map(({ disk, ...place }) =>
    disk.kind === 'volume'
      ? volumeElement(disk, place, host, orders.get(disk.id))
      : localElement(localSource(spec, disk, host), place, host, { tuning, order: orders.get(disk.id) }),
  )
  if (spec.configDrive === undefined) return own
  const used = new Set(placed.map(place => place.target))
  const place = placeConfigDrive(spec, host, used)
  return [...own, localElement(drive(host.configDrivePath(spec.id)), place, host, { tuning })]
}

const busesOf = (spec: GuestSpec, host: DomainHost): readonly string[] => [
  ...placeDisks(spec, host).map(place => place.bus),
  ...(spec.configDrive === undefined ? [] : [placeConfigDrive(spec, host, new Set()).bus]),
]

/** Also for SCSI disks that may come later, where the image chooses their controller. */
const hasScsi = (spec: GuestSpec, host: DomainHost): boolean =>
  imageProperty(spec, 'hw_scsi_model') !== undefined || busesOf(spec, host).includes('scsi')

/** virtio-scsi has a queue for each processor, as virtio disks have by themselves. */
export const controllers: Family = (spec, host) =>
  hasScsi(spec, host)
    ? scsiController(scsiModel(spec), Math.min(spec.flavor.vcpus, host.settings.maxQueues))
    : undefined

export const scsiController = (model = usualScsiModel, queues = 1): XmlElement =>
  element(
    'controller',
    { type: 'scsi', index: 0, model },
    model === usualScsiModel && queues > 1 ? element('driver', { queues }) : undefined,
  )
