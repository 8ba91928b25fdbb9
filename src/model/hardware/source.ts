import type { Flavor } from '../flavor.ts'
import type { InstanceImage } from '../instance.ts'

/** Where a guest's hardware is asked for. */
export interface HardwareSource {
  readonly flavor: Pick<Flavor, 'name' | 'vcpus' | 'extraSpecs'>
  readonly image: Pick<InstanceImage, 'id' | 'name' | 'properties'>
}

export interface Pair {
  readonly flavor: string | undefined
  readonly image: string | undefined
}

/** One wish of both: `hw:pmu` of the flavor, `hw_pmu` of the image. */
export const pairOf = ({ flavor, image }: HardwareSource, key: string, prefix = 'hw'): Pair => ({
  flavor: flavor.extraSpecs[`${prefix}:${key}`],
  image: image.properties[`${prefix}_${key}`],
})

const truths = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
export const isYes = (text: string): boolean => truths.has(text.trim().toLowerCase())
