import { PciConfigInvalidSpec, PciDeviceWrongAddressFormat } from './faults.ts'

/** Whether an address is meant. */
export type AddressMatch = (address: string) => boolean

const parts = ['domain', 'bus', 'slot', 'func'] as const
type Part = (typeof parts)[number]
const limits: Readonly<Record<Part, readonly [most: number, digits: number]>> = {
  domain: [0xffff, 4],
  bus: [0xff, 2],
  slot: [0x1f, 2],
  func: [0x7, 1],
}

/** `0000:81:00.1` in its parts; undefined when it is no address. */
export function addressParts(address: string): readonly [string, string, string, string] | undefined {
  const found = /^([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i.exec(address)
  if (found === null) return undefined
  const [, domain = '', bus = '', slot = '', func = ''] = found
  return [domain.toLowerCase(), bus.toLowerCase(), slot.toLowerCase(), func]
}

/** A part of a glob: hexadecimal, or `*`. */
function partOf(name: Part, text: string): string {
  if (text === '*') return text
  const value = /^[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN
  const [most, digits] = limits[name]
  if (Number.isNaN(value))
    throw PciConfigInvalidSpec({ reason: `property ${name} ('${text}') does not parse as a hex number.` })
  if (value > most) {
    const shown = most.toString(16).toUpperCase()
    throw PciConfigInvalidSpec({
      reason: `property ${name} (${text}) is greater than the maximum allowable value (${shown}).`,
    })
  }
  return value.toString(16).padStart(digits, '0')
}

/** `*:0a:00.*`, `:00.`, `0000:0a:00.1`: what is left out is any. */
export function globMatch(pattern: string): AddressMatch {
  const dot = pattern.indexOf('.')
  const [front, func] = dot < 0 ? [pattern, ''] : [pattern.slice(0, dot), pattern.slice(dot + 1).trim()]
  const fields = front === '' ? [] : front.split(':').map(field => field.trim())
  if (fields.length > 3) throw PciDeviceWrongAddressFormat({ address: pattern })
  const full = [...Array<string>(3 - fields.length).fill('*'), ...fields, func]
  const wanted = parts.map((name, i) => partOf(name, full[i] || '*'))
  return address => addressParts(address)?.every((part, i) => wanted[i] === '*' || wanted[i] === part) === true
}

/** `{"bus": "02", "function": "[0-2]"}`: each part by a regular expression from its start. */
export function regexMatch(pattern: Readonly<Record<string, unknown>>): AddressMatch {
  const wrong = () => PciDeviceWrongAddressFormat({ address: JSON.stringify(pattern) })
  const compiled = ['domain', 'bus', 'slot', 'function'].map(name => {
    const text = pattern[name] ?? '.*'
    if (typeof text !== 'string') throw wrong()
    try {
      return new RegExp(`^(?:${text})`)
    } catch (error) {
      throw PciDeviceWrongAddressFormat({ address: JSON.stringify(pattern) }, { cause: error })
    }
  })
  return address => addressParts(address)?.every((part, i) => compiled[i]?.test(part)) === true
}

/** The one address that a glob without wildcards names. */
export const singleAddress = (pattern: string): string | undefined => {
  const [domain, bus, slot, func] = addressParts(pattern) ?? []
  return domain === undefined ? undefined : `${domain}:${bus}:${slot}.${func}`
}
