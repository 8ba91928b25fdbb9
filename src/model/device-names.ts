import { type DeviceDefinition, isEphemeral, isRootDevice, isSwap, isVolume } from './block-device.ts'

/** Names of disks in the guest: `/dev/vda`. A letter is given once, whatever stands before it. */

const pattern = /^(\/dev\/x?[a-z]?d?)([a-z]+)\d*$/

export const withDev = (name: string): string => `/dev/${name.replace(/^\/dev\//, '')}`
export const isDeviceName = (name: string): boolean => pattern.test(name)

const letterOf = (name: string): string =>
  name
    .replace(/^\/dev\//, '')
    .replace(/^(?:x?v|s|h)d/, '')
    .replaceAll(/\d+/g, '')

const prefixOf = (name: string): string => pattern.exec(withDev(name))?.[1] ?? '/dev/vd'

/** a … z, aa, ab, … */
function letterAt(index: number): string {
  const rest = Math.floor(index / 26) - 1
  return (rest >= 0 ? letterAt(rest) : '') + String.fromCodePoint(97 + (index % 26))
}

function unusedLetter(used: ReadonlySet<string>): string {
  for (let index = 0; ; index++) if (!used.has(letterAt(index))) return letterAt(index)
}

/** The name asked for in the root device's way of naming, or the next free one; undefined when it is taken. */
export function deviceNameFor(used: readonly string[], rootName: string, asked: string | null): string | undefined {
  const letters = new Set([rootName, ...used].map(letterOf))
  const letter = asked === null ? unusedLetter(letters) : (pattern.exec(withDev(asked))?.[2] ?? unusedLetter(letters))
  return letters.has(letter) ? undefined : prefixOf(rootName) + letter
}

const prefixOfBus: Readonly<Record<string, string>> = {
  virtio: '/dev/vd',
  scsi: '/dev/sd',
  sata: '/dev/sd',
  usb: '/dev/sd',
  ide: '/dev/hd',
  fdc: '/dev/fd',
  xen: '/dev/xvd',
  uml: '/dev/ubd',
}

/** What the root disk is called: as the request or the image say, or the first of its bus. */
export function rootDeviceName(
  root: DeviceDefinition | undefined,
  properties: Readonly<Record<string, string>>,
): string {
  const said = root?.deviceName ?? properties['root_device_name']
  if (said !== undefined && said !== null && said !== '') return withDev(said)
  const isDisc = root?.deviceType === 'cdrom'
  const bus = root?.diskBus ?? properties[isDisc ? 'hw_cdrom_bus' : 'hw_disk_bus'] ?? 'virtio'
  return `${prefixOfBus[bus] ?? '/dev/vd'}a`
}

/** In Nova's order of naming: what lies on the host first, then volumes. */
const order = (device: DeviceDefinition): number => {
  if (isRootDevice(device)) return 0
  if (!isVolume(device) && device.source === 'image') return 1
  if (isEphemeral(device)) return 2
  return isSwap(device) ? 3 : 4
}

/** Gives every disk a name; those that have one keep it. */
export function nameDevices<D extends DeviceDefinition>(devices: readonly D[], rootName: string): readonly D[] {
  const used = devices.flatMap(d => (d.deviceName === null ? [] : [withDev(d.deviceName)]))
  const names = new Map<D, string>()
  for (const device of devices.toSorted((a, b) => order(a) - order(b))) {
    const given = isRootDevice(device) ? rootName : device.deviceName
    const name = given === null ? deviceNameFor(used, rootName, null) : withDev(given)
    if (name === undefined) continue
    used.push(name)
    names.set(device, name)
  }
  return devices.map(device => ({ ...device, deviceName: names.get(device) ?? device.deviceName }))
}
