import type { RequestSpec } from '#model'

/** What the flavor (`hw:key`) or else the image (`hw_key`) says; an empty value is no value. */
export const demand = (spec: RequestSpec, key: string): string | undefined =>
  spec.flavor.extraSpecs[`hw:${key}`] || spec.image?.properties[`hw_${key}`] || undefined

const yes = new Set(['1', 't', 'true', 'on', 'y', 'yes'])

/** Truth as oslo reads it. */
export const isYes = (text: string | undefined): boolean => text !== undefined && yes.has(text.trim().toLowerCase())

/** True if flavor or image asks for a thing that is on or off. */
export const asksFor = (spec: RequestSpec, key: string): boolean =>
  isYes(spec.flavor.extraSpecs[`hw:${key}`]) || isYes(spec.image?.properties[`hw_${key}`])

/** Traits that flavor or image require by name, in whatever group. */
export function requiredTraits(spec: RequestSpec): ReadonlySet<string> {
  const traits = new Set<string>()
  for (const source of [spec.flavor.extraSpecs, spec.image?.properties ?? {}]) {
    for (const [key, value] of Object.entries(source)) {
      const found = /^trait[a-zA-Z0-9_-]{0,64}:(.+)$/.exec(key)
      if (found?.[1] !== undefined && value === 'required') traits.add(found[1])
    }
  }
  return traits
}
