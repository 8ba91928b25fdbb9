/**
 * Whether an answer is of the sample's kind: the same keys and the same types at every level. Values differ, and so do maps
 * whose keys are data; null says nothing about a type, because it stands for what a server happens not to have.
 */

/** Objects whose keys are data, and how many levels of them; each of our values must be like some value of the sample's. */
const maps: Readonly<Record<string, number>> = {
  metadata: 1,
  meta: 1,
  extra_specs: 1,
  addresses: 1,
  properties: 1,
  scheduler_hints: 1,
  cpu_pinning: 1,
  // By host, then by service.
  hosts: 2,
}

/** What a hypervisor tells of its processor is its own affair. */
const opaque = new Set(['cpu_info'])

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value)

type Fields = Readonly<Record<string, unknown>>

function unlikeObjects(sample: Fields, found: Fields, at: string, mapDepth: number): string[] {
  if (mapDepth > 0) {
    const kinds = Object.values(sample)
    if (kinds.length === 0) return []
    return Object.entries(found).flatMap(([key, value]) => anyLike(kinds, value, `${at}.${key}`, mapDepth - 1))
  }
  const missing = Object.keys(sample).filter(key => !Object.hasOwn(found, key))
  const extra = Object.keys(found).filter(key => !Object.hasOwn(sample, key))
  return [
    ...missing.map(key => `${at}.${key} is missing`),
    ...extra.map(key => `${at}.${key} is not in the sample`),
    ...Object.keys(sample)
      .filter(key => Object.hasOwn(found, key) && !opaque.has(key))
      .flatMap(key => unlike(sample[key], found[key], `${at}.${key}`, maps[key])),
  ]
}

/** The value is like one of these; if not, in what it differs from the nearest. */
function anyLike(kinds: readonly unknown[], value: unknown, at: string, mapDepth = 0): string[] {
  const differences = kinds.map(kind => unlike(kind, value, at, mapDepth)).sort((a, b) => a.length - b.length)
  return differences[0] ?? []
}

/** Where one item of a list is like the sample's, the others may lack what they happen not to have. */
function unlikeLists(samples: readonly unknown[], items: readonly unknown[], at: string): string[] {
  if (samples.length === 0) return []
  if (items.length === 0) return [`${at} is empty`]
  const differences = items.map((item, i) => anyLike(samples, item, `${at}[${i}]`))
  const isLack = (difference: string): boolean => / is (empty|missing)$/.test(difference)
  return differences.some(of => of.length === 0) ? differences.flat().filter(d => !isLack(d)) : differences.flat()
}

/** Every difference as `path is missing`, `path is a number, not a string`; nothing: alike. */
export function unlike(sample: unknown, found: unknown, at = '', mapDepth = 0): string[] {
  const [kind, ours] = [typeOf(sample), typeOf(found)]
  if (kind === 'null' || ours === 'null') return []
  if (kind !== ours) return [`${at} is a ${ours}, not a ${kind}`]
  if (kind === 'list') return unlikeLists(sample as unknown[], found as unknown[], at)
  return kind === 'object' ? unlikeObjects(sample as Fields, found as Fields, at, mapDepth) : []
}
