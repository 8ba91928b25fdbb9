import type { RescueWish } from '../../guest-facets.ts'
import type { GuestImage, GuestSpec } from '../../guest-spec.ts'
import { domainElement } from './build.ts'
import { type DiskBus, diskBuses, onMachine, targetPrefix } from './disk-place.ts'
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
}

const isBus = (bus: string): bus is DiskBus => diskBuses.some(known => known === bus)

/** Undefined: QEMU has no such bus. Without a wish it is what the rescue image says of disks, as for a guest made of it. */
export function rescueBus(
  spec: GuestSpec,
  host: DomainHost,
  { image, stable }: Pick<RescueDisk, 'image' | 'stable'>,
): DiskBus | undefined {
  const device = stable?.device ?? 'disk'
  if (device === 'floppy') return stable?.bus === null || stable?.bus === 'fdc' ? 'fdc' : undefined
  const usual = device === 'cdrom' ? 'ide' : 'virtio'
  const said = image.properties[device === 'cdrom' ? 'hw_cdrom_bus' : 'hw_disk_bus']
  const bus = stable?.bus ?? (said !== undefined && isBus(said) ? said : usual)
  if (!isBus(bus) || bus === 'fdc') return undefined
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
  const taken = new Set(isLast ? own.map(targetOf) : [])
  const rescue = rescueElement(disk, bus, nextName(targetPrefix[bus], taken), host)
  const disks = isLast ? [...own, rescue] : [rescue, ...own.map(child => renamed(child, taken))]
  const needsScsi =
    bus === 'scsi' && !others.some(child => isElement(child, 'controller') && child.attributes.type === 'scsi')
  const controller = needsScsi ? [element('controller', { type: 'scsi', index: 0, model: 'virtio-scsi' })] : []
  // The emulator comes first by the schema.
  return { ...devices, children: [...others.slice(0, 1), ...disks, ...controller, ...others.slice(1)] }
}

const rescueElement = (disk: RescueDisk, bus: DiskBus, dev: string, host: DomainHost): XmlElement => {
  const device = disk.stable?.device ?? 'disk'
  return element(
    'disk',
    { type: 'file', device },
    element('driver', { name: 'qemu', type: disk.format, cache: host.diskCache, io: host.diskIo }),
    element('source', { file: disk.path }),
    element('target', { dev, bus }),
    element('boot', { order: 1 }),
    device === 'cdrom' ? element('readonly') : undefined,
  )
}

const targetOf = (disk: XmlElement): string =>
  disk.children.find(child => isElement(child, 'target'))?.attributes.dev ?? ''

/** a … z, aa, ab, … */
const letters = (index: number): string =>
  (index < 26 ? '' : letters(Math.floor(index / 26) - 1)) + String.fromCharCode(97 + (index % 26))

/** Takes the name: `vda`, or the first after it that is free. */
function nextName(prefix: string, taken: Set<string>): string {
  for (let index = 0; ; index++) {
    const name = `${prefix}${letters(index)}`
    if (taken.has(name)) continue
    taken.add(name)
    return name
  }
}

/** One place further, and where on its bus that is libvirt works out by the name. */
const renamed = (disk: XmlElement, taken: Set<string>): XmlElement => ({
  ...disk,
  children: disk.children
    .filter(child => !isElement(child, 'address'))
    .map(child => {
      if (!isElement(child, 'target')) return child
      const prefix = targetOf(disk).slice(0, 2)
      return { ...child, attributes: { ...child.attributes, dev: nextName(prefix, taken) } }
    }),
})
