import type { GuestSpec } from '../../guest-spec.ts'

const truths = new Set(['1', 't', 'true', 'on', 'y', 'yes'])

/** As oslo's bool_from_string: what is not a known truth is false. */
export const isTrue = (text: string | undefined, otherwise: boolean): boolean =>
  text === undefined ? otherwise : truths.has(text.trim().toLowerCase())

export const positiveInteger = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : undefined

/** A number an extra spec may hold, 0 and negative ones too. */
export const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : undefined

/** An image property; names are Nova's, `hw_disk_bus`. */
/** Flavor and image, as far as they ask for anything. */
export interface Wishes {
  readonly flavor: Pick<GuestSpec['flavor'], 'extraSpecs'>
  readonly image: Pick<GuestSpec['image'], 'properties'>
}

export const imageProperty = (spec: Wishes, name: string): string | undefined => spec.image.properties[name]

export const extraSpec = (spec: Wishes, name: string): string | undefined => spec.flavor.extraSpecs[name]

/** The flavor wins over the image, as for most hw properties; where they contradict each other the API has refused. */
export const flavorOrImage = (spec: Wishes, extra: string, property: string): string | undefined =>
  spec.flavor.extraSpecs[extra] ?? spec.image.properties[property]

/** The few where the image wins: boot menu, watchdog. */
export const imageOrFlavor = (spec: Wishes, property: string, extra: string): string | undefined =>
  spec.image.properties[property] ?? spec.flavor.extraSpecs[extra]

/** The value if the family knows it; a property that names something else is ignored, the API has validated it. */
export const oneOf = <T extends string>(value: string | undefined, known: readonly T[], otherwise: T): T =>
  known.find(k => k === value) ?? otherwise
