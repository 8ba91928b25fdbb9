import type { GuestSpec } from '../../guest-spec.ts'

const truths = new Set(['1', 't', 'true', 'on', 'y', 'yes'])

/** As oslo's bool_from_string: what is not a known truth is false. */
export const isTrue = (text: string | undefined, otherwise: boolean): boolean =>
  text === undefined ? otherwise : truths.has(text.trim().toLowerCase())

export const positiveInteger = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : undefined

/** An image property; names are Nova's, `hw_disk_bus`. */
export const imageProperty = (spec: GuestSpec, name: string): string | undefined => spec.image.properties[name]

/** The flavor wins over the image, as for every hw property. */
export const flavorOrImage = (spec: GuestSpec, extraSpec: string, property: string): string | undefined =>
  spec.flavor.extraSpecs[extraSpec] ?? spec.image.properties[property]

/** The value if the family knows it; a property that names something else is ignored, the API has validated it. */
export const oneOf = <T extends string>(value: string | undefined, known: readonly T[], otherwise: T): T =>
  known.find(k => k === value) ?? otherwise
