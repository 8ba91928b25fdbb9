import { globMatch, regexMatch, singleAddress } from './address.ts'
import type { PciDevice, PciFunction } from './device.ts'
import { PciConfigInvalidSpec, PciDeviceInvalidDeviceName, PciDeviceWrongAddressFormat } from './faults.ts'

/** One entry of `[pci] device_spec`: which functions guests may have, and what is said about them. */
export interface DeviceSpec {
  matches(device: PciFunction, all: readonly PciFunction[]): boolean
  /** `physical_network`, `trusted`, `resource_class`, … as given. */
  readonly tags: Readonly<Record<string, string>>
  /** Named by a network card, which placement cannot be told. */
  readonly isByName: boolean
}

const truths = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
const isYes = (text: string | undefined): boolean => text !== undefined && truths.has(text.trim().toLowerCase())

/** Four hexadecimal digits, or any. */
function idOf(name: string, value: unknown): string {
  const text = value === undefined ? '*' : String(value).trim()
  if (text === '*') return text
  if (!/^(0x)?[0-9a-f]+$/i.test(text))
    throw PciConfigInvalidSpec({ reason: `property ${name} ('${text}') does not parse as a hex number.` })
  const number = Number.parseInt(text, 16)
  if (number > 0xffff)
    throw PciConfigInvalidSpec({
      reason: `property ${name} (${text}) is greater than the maximum allowable value (FFFF).`,
    })
  return number.toString(16).padStart(4, '0')
}

type AddressRule = (device: PciFunction, all: readonly PciFunction[]) => boolean

/** The address of a physical function stands for its virtual functions too. */
function addressRule(address: unknown): AddressRule {
  if (address === undefined || address === '') return () => true
  if (typeof address === 'object' && address !== null) {
    const match = regexMatch(address as Readonly<Record<string, unknown>>)
    return device => match(device.address)
  }
  if (typeof address !== 'string') throw PciDeviceWrongAddressFormat({ address: JSON.stringify(address) })
  const match = globMatch(address)
  const single = singleAddress(address)
  return device => match(device.address) || (single !== undefined && device.parentAddress === single)
}

const nameRule =
  (name: string): AddressRule =>
  device =>
    device.interfaceName === name || (device.type !== 'type-PF' && device.parentInterfaceName === name)

function specOf(entry: Readonly<Record<string, unknown>>): DeviceSpec {
  const { vendor_id, product_id, devname, address, ...rest } = entry
  if (devname !== undefined && address !== undefined) throw PciDeviceInvalidDeviceName({})
  const [vendor, product] = [idOf('vendor_id', vendor_id), idOf('product_id', product_id)]
  const byAddress = devname === undefined ? addressRule(address) : nameRule(String(devname))
  const tags = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)]))
  const isRemote = isYes(tags['remote_managed'])
  return {
    tags,
    isByName: devname !== undefined,
    matches: (device, all) =>
      (vendor === '*' || vendor === device.vendorId) &&
      (product === '*' || product === device.productId) &&
      byAddress(device, all) &&
      // Who manages it remotely finds it by its card's serial number.
      (!isRemote || (device.type !== 'type-PF' && device.cardSerial !== null)),
  }
}

/** Reads the entries of `[pci] device_spec`, each one JSON object or a list of them. */
export function deviceSpecs(entries: readonly string[]): readonly DeviceSpec[] {
  return entries.flatMap(entry => {
    let read: unknown
    try {
      read = JSON.parse(entry)
    } catch (error) {
      throw PciConfigInvalidSpec({ reason: `Invalid entry: '${entry}'` }, { cause: error })
    }
    return (Array.isArray(read) ? read : [read]).map(one => {
      if (typeof one !== 'object' || one === null || Array.isArray(one))
        throw PciConfigInvalidSpec({ reason: `Invalid entry: '${entry}'; Expecting list or dict` })
      return specOf(one as Record<string, unknown>)
    })
  })
}

/** The functions that guests may have, each with the words of the first entry that matches. */
export function devicesFor(specs: readonly DeviceSpec[], functions: readonly PciFunction[]): readonly PciDevice[] {
  return functions.flatMap(found => {
    const spec = specs.find(one => one.matches(found, functions))
    return spec === undefined ? [] : [{ ...found, tags: spec.tags }]
  })
}
