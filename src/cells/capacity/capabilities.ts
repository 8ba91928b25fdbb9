import type { CellCapabilities } from '#model'

/** What the version of a cell's hypervisors is told as. */
export const hypervisorVersionKey = 'prominent_hypervisor_version'

/** `[cells] capabilities`: `hypervisor=xenserver;kvm`. A key without a value stands for itself. */
export function readCapabilities(words: readonly string[]): CellCapabilities {
  const entries = words.map(word => {
    const at = word.indexOf('=')
    const [key, values] = at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
    return [key.trim(), values.split(';').map(value => value.trim())] as const
  })
  return Object.fromEntries(entries)
}

/** Of several cells together: each key with the values of all. */
export function unionOf(all: readonly CellCapabilities[]): CellCapabilities {
  const union = new Map<string, Set<string>>()
  for (const [key, values] of all.flatMap(one => Object.entries(one))) {
    const known = union.get(key) ?? new Set<string>()
    union.set(key, known)
    for (const value of values) known.add(value)
  }
  return Object.fromEntries([...union].map(([key, values]) => [key, [...values].sort()]))
}
