import { InvalidNumaRequest } from './faults.ts'
import { isSet, type NumaSource, wish } from './wishes.ts'

/** Nova's numbers for sizes that the host chooses. */
const byName: Readonly<Record<string, number>> = { small: -1, large: -2, any: -3 }

const factors: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

function kib(text: string): number {
  const named = byName[text]
  if (named !== undefined) return named
  if (/^\d+$/.test(text)) return Number(text)
  // `2MB`, `1GiB`: bits when the letter is small, as in oslo.
  const [, digits, unit = '', , kind] = /^(\d+(?:\.\d+)?)\s*([KMGTkmgt]?)(i?)(b|bit|B)$/.exec(text) ?? []
  if (digits === undefined) throw InvalidNumaRequest({ text: `Invalid memory page size '${text}'` })
  const bytes = (Number(digits) * (factors[unit.toLowerCase()] ?? 1)) / (kind === 'B' ? 1 : 8)
  return Math.ceil(bytes) / 1024
}

/** KiB of the pages behind the guest's memory, or a negative number where the host may choose; undefined: nothing asked. */
export function pageSizeOf(source: NumaSource): number | undefined {
  const { flavor, image } = wish(source, 'mem_page_size')
  const forbidden = (against: string) =>
    InvalidNumaRequest({ text: `Page size ${image} forbidden against '${against}'` })
  if (!isSet(flavor)) {
    if (isSet(image)) throw forbidden('<empty>')
    return undefined
  }
  const size = kib(flavor)
  if (!isSet(image)) return size
  if (size !== byName['any'] && size !== byName['large']) throw forbidden(flavor)
  return kib(image)
}

const truthy = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
const isTrue = (value: string): boolean => truthy.has(value.trim().toLowerCase())

/** Memory can only be locked when its pages are named. */
export function checkLockedMemory(source: NumaSource): void {
  const { flavor, image } = wish(source, 'locked_memory')
  if (flavor !== undefined && image !== undefined && isTrue(flavor) !== isTrue(image)) {
    const python = (value: string) => (isTrue(value) ? 'True' : 'False')
    const values = `image (${python(image)}) and flavor (${python(flavor)})`
    const text = `locked_memory value in ${values} conflict. A consistent value is expected if both specified.`
    throw InvalidNumaRequest({ text })
  }
  const pages = wish(source, 'mem_page_size')
  if (isTrue(flavor ?? image ?? '') && !isSet(pages.flavor) && !isSet(pages.image))
    throw InvalidNumaRequest({
      text: 'locked_memory value in image or flavor is forbidden when mem_page_size is not set.',
    })
}
