import type { AggregateView } from '#model'

const merged = new WeakMap<readonly AggregateView[], ReadonlyMap<string, ReadonlySet<string>>>()

/**
 * Metadata of all aggregates of a host as sets: values are split at commas, stripped and united over the aggregates.
 * Kept as long as the snapshot's array lives, for the arrays never change.
 */
export function aggregateMetadata(aggregates: readonly AggregateView[]): ReadonlyMap<string, ReadonlySet<string>> {
  const known = merged.get(aggregates)
  if (known !== undefined) return known
  const sets = new Map<string, Set<string>>()
  for (const { metadata } of aggregates) {
    for (const [key, text] of Object.entries(metadata)) {
      const values = sets.get(key) ?? new Set<string>()
      sets.set(key, values)
      for (const value of text.split(',')) values.add(value.trim())
    }
  }
  merged.set(aggregates, sets)
  return sets
}

/** Values of one key, one per aggregate that has it, as written. */
export const aggregateValues = (aggregates: readonly AggregateView[], key: string): string[] =>
  aggregates.flatMap(({ metadata }) => metadata[key] ?? [])

/** The smallest number that the host's aggregates give for `key`; `fallback` if none does or one is not a number. */
export function aggregateNumber(aggregates: readonly AggregateView[], key: string, fallback: number): number {
  if (aggregates.length === 0) return fallback
  let least: number | undefined
  for (const { metadata } of aggregates) {
    const text = metadata[key]
    if (text === undefined) continue
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isNaN(value)) return fallback
    if (least === undefined || value < least) least = value
  }
  return least ?? fallback
}

/** The availability zone of a host: its aggregates' `availability_zone`, else the default. */
export function zoneOf(aggregates: readonly AggregateView[], defaultZone: string): string {
  for (const { metadata } of aggregates) {
    const zone = metadata['availability_zone']
    if (zone !== undefined && zone !== '') return zone
  }
  return defaultZone
}

const multipliers = new WeakMap<readonly AggregateView[], ReadonlySet<string>>()
const noNames: ReadonlySet<string> = new Set()

/** The weighers' multipliers that the aggregates set, by name. Kept as long as the snapshot's array lives. */
export function multipliersOf(aggregates: readonly AggregateView[]): ReadonlySet<string> {
  if (aggregates.length === 0) return noNames
  let names = multipliers.get(aggregates)
  if (names === undefined) {
    const keys = aggregates.flatMap(({ metadata }) => Object.keys(metadata))
    names = new Set(keys.filter(key => key.endsWith('_weight_multiplier')))
    multipliers.set(aggregates, names)
  }
  return names
}

export const setsMultiplier = (aggregates: readonly AggregateView[], name: string): boolean =>
  multipliersOf(aggregates).has(name)
