import type { RescueWish } from '../../guest-facets.ts'
import type { GuestImage, GuestSpec } from '../../guest-spec.ts'
import { domainElement } from './build.ts'
import { busOfImage, type DiskBus, diskBuses, firstFree, onMachine, prefixOf, scsiModel, unitOf } from './disk-place.ts'
import { encryptionElement } from './disk-source.ts'
import { scsiController } from './disks.ts'
import { element, renderXml, type XmlElement } from './element.ts'
import type { DomainHost } from './host.ts'
import { isPciExpress, machineType } from './machine.ts'

const namespace = 'urn:nova:rescue'

/** The disk that a rescued guest boots from. */
export interface RescueDisk {
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  readonly image: GuestImage
  readonly stable: RescueWish['stable']
  /** The secret of the hypervisor that opens it, where it is encrypted. */
  readonly secretId?: string | undefined
}

/** Undefined: QEMU has no such bus. Without a wish it is what the rescue image says of such devices. */
export function rescueBus(
  spec: GuestSpec,
  host: DomainHost,
  { image, stable }: Pick<RescueDisk, 'image' | 'stable'>,
): DiskBus | undefined {
  const device = stable?.device ?? 'disk'
  const asked = stable?.bus ?? null
  const ofImage = { ...spec, image: { ...spec.image, properties: image.properties } }
  const bus = asked === null ? busOfImage(device, ofImage, host) : diskBuses.find(known => known === asked)
  if (bus === undefined || (bus === 'fdc') !== (device === 'floppy')) return undefined
  return onMachine(bus, isPciExpress(machineType(spec, host)))
}

/**
 * The guest as it is while it is rescued: the spec's, and a disk that it boots from. Either all of its disks keep their
 * places and the rescue disk comes last, or the rescue disk is the first one and the others follow it; then the machine is
 * what the rescue image asks for, for its system is what runs.
 */
export function rescueXml(spec: GuestSpec, host: DomainHost, disk: RescueDisk): string {
  const { image, stable } = disk
  const shown = stable === null ? { ...spec, image: { ...spec.image, properties: image.properties } } : spec
  const domain = domainElement(shown, host)
  return renderXml({
    ...domain,
    children: domain.children.map(child => {
      if (typeof child === 'string') return child
      if (child.name === 'os') return without(child, 'boot')
      if (child.name === 'devices') return withRescueDisk(child, shown, host, disk)
      return child.name === 'metadata' ? withMark(child, image) : child
    }),
  })
}

/** The rescue image by which a definition shows that it is one of a rescue. */
export const rescueMark = { name: 'rescue:image', attribute: 'uuid' } as const

const withMark = (metadata: XmlElement, image: GuestImage): XmlElement => ({
  ...metadata,
  children: [
    ...metadata.children,
    element(rescueMark.name, { 'xmlns:rescue': namespace, [rescueMark.attribute]: image.id }),
  ],
})

const isElement = (child: XmlElement | string, name: string): child is XmlElement =>
  typeof child !== 'string' && child.name === name

const without = (parent: XmlElement, ...names: readonly string[]): XmlElement => ({
  ...parent,
  children: parent.children.filter(child => typeof child === 'string' || !names.includes(child.name)),
})

function withRescueDisk(devices: XmlElement, spec: GuestSpec, host: DomainHost, disk: RescueDisk): XmlElement {
  const bus = rescueBus(spec, host, disk) ?? 'virtio'
  const own = devices.children.filter(child => isElement(child, 'disk')).map(child => without(child, 'boot'))
  const others = devices.children.filter(child => !isElement(child, 'disk'))
  const isLast = disk.stable !== null
  const taken = new Set(isLast ? own.map(child => targetOf(child).dev ?? '') : [])
  const rescue = rescueElement(disk, bus, takeName(bus, host, taken), spec, host)
  const disks = isLast ? [...own, rescue] : [rescue, ...own.map(child => movedOn(child, taken, spec, host))]
  const hasScsi = others.some(child => isElement(child, 'controller') && child.attributes.type === 'scsi')
  const controller = bus === 'scsi' && !hasScsi ? [scsiController(scsiModel(spec))] : []
  // The emulator comes first by the schema.
  return { ...devices, children: [...others.slice(0, 1), ...disks, ...controller, ...others.slice(1)] }
}

function rescueElement(disk: RescueDisk, bus: DiskBus, dev: string, spec: GuestSpec, host: DomainHost): XmlElement {
  const device = disk.stable?.device ?? 'disk'
  return element(
    'disk',
    { type: 'file', device },
    element('driver', { name: 'qemu', type: disk.format, cache: host.diskCache, io: host.diskIo }),
    element('source', { file: disk.path }, disk.secretId === undefined ? undefined : encryptionElement(disk.secretId)),
    element('target', { dev, bus }),
    element('boot', { order: 1 }),
    device === 'cdrom' ? element('readonly') : undefined,
    scsiAddress(bus, dev, spec),
  )
}

const scsiAddress = (bus: DiskBus, dev: string, spec: GuestSpec): XmlElement | undefined => {
  const unit = unitOf(bus, dev, scsiModel(spec))
  return unit === undefined ? undefined : element('address', { type: 'drive', controller: 0, bus: 0, target: 0, unit })
}

const targetOf = (disk: XmlElement): XmlElement['attributes'] =>
  disk.children.find(child => isElement(child, 'target'))?.attributes ?? {}

function takeName(bus: DiskBus, host: DomainHost, taken: Set<string>): string {
  const name = firstFree(prefixOf(bus, host), taken)
  taken.add(name)
  return name
}

/** Where it was, unless the rescue disk or one that had to make way is there now. */
function movedOn(disk: XmlElement, taken: Set<string>, spec: GuestSpec, host: DomainHost): XmlElement {
  const { dev = '', bus: named } = targetOf(disk)
  const bus = diskBuses.find(known => known === named) ?? 'virtio'
  if (!taken.has(dev)) {
    taken.add(dev)
    return disk
  }
  const target = { dev: takeName(bus, host, taken), bus }
  const address = scsiAddress(bus, target.dev, spec)
  const children = without(disk, 'address').children.map(child =>
    isElement(child, 'target') ? element('target', target) : child,
  )
  return { ...disk, children: address === undefined ? children : [...children, address] }
}
