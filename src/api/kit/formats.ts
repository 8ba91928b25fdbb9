import { isIPv4, isIPv6 } from 'node:net'
import { isUuidLike, SearchPattern } from '#base'
import { parseIsoTime } from './dates.ts'

/** A format check: true, false, or the reason in Nova's words (for names). */
type Check = (value: string) => boolean | string

// Python builds these classes from the first 65,535 code points, so anything beyond them is not a name.
const printable = String.raw`\p{C}\p{Zl}\p{Zp}\u{FFFF}-\u{10FFFF}`
const edge = String.raw`[\p{C}\p{Z}]`
const nameRegex = new RegExp(`^(?!${edge})[^${printable}]*(?<!${edge})$`, 'u')
const azNameRegex = new RegExp(`^(?!${edge})[^:${printable}]*(?<!${edge})$`, 'u')
const spacedRegex = new RegExp(String.raw`^(?=[^]*[^\p{C}\p{Z}])[^${printable}]*$`, 'u')
const azSpacedRegex = new RegExp(String.raw`^(?=[^]*[^\p{C}\p{Z}])[^:${printable}]*$`, 'u')
const printableRegex = new RegExp(`^[^${printable}]*$`, 'u')

const digitsAndLetters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const only = (allowed: string) => {
  const chars = new Set(allowed)
  return (value: string) => [...value].every(c => chars.has(c)) || `Only expected characters: [${allowed}]`
}

const isRegex = (value: string): boolean => value !== '' && SearchPattern.read(value) !== 'broken'

/** Python's b64decode: foreign characters are skipped, only a wrong padding is an error. */
function isBase64(value: string): boolean {
  const bare = value.replace(/[^A-Za-z0-9+/=]/g, '')
  let quad = 0
  let pads = 0
  for (const c of bare) {
    if (c === '=') {
      pads++
      if (quad >= 2 && quad + pads >= 4) return true
    } else {
      pads = 0
      quad = (quad + 1) % 4
    }
  }
  return quad === 0
}

function isCidr(value: string): boolean {
  const [address = '', prefix = '', more] = value.split('/')
  if (more !== undefined || /\s/.test(value)) return false
  if (isIPv4(address)) return isIPv4(prefix) || (/^\d{1,2}$/.test(prefix) && Number(prefix) <= 32)
  return isIPv6(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128
}

export const formats = {
  uuid: isUuidLike,
  'date-time': value => parseIsoTime(value) !== undefined,
  base64: isBase64,
  regex: isRegex,
  cidr: isCidr,
  uri: value => /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s/?#"<>\\^`{|}]+[^\s"<>\\^`{|}]*$/.test(value),
  ipv4: isIPv4,
  ipv6: value => isIPv6(value) && !value.includes('%'),
  'mac-address': value => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value),
  printable: value => printableRegex.test(value),
  name: value => nameRegex.test(value) || 'printable characters. Can not start or end with whitespace.',
  name_with_leading_trailing_spaces: value =>
    spacedRegex.test(value) || 'printable characters with at least one non space character',
  az_name: value => azNameRegex.test(value) || 'printable characters except :.Can not start or end with whitespace.',
  az_name_with_leading_trailing_spaces: value =>
    azSpacedRegex.test(value) || 'printable characters except :, with at least one non space character',
  keypair_name_20: only(`_- ${digitsAndLetters}`),
  keypair_name_292: only(`@._- ${digitsAndLetters}`),
} as const satisfies Record<string, Check>

export type FormatName = keyof typeof formats
