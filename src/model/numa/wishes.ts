import type { Flavor } from '../flavor.ts'

/** Where a layout is asked for. */
export interface NumaSource {
  readonly flavor: Pick<Flavor, 'vcpus' | 'memoryMiB' | 'extraSpecs'>
  readonly imageProperties: Readonly<Record<string, string>>
}

export interface Wish {
  readonly flavor: string | undefined
  readonly image: string | undefined
}

/** One wish of both: `hw:cpu_policy` of the flavor, `hw_cpu_policy` of the image. */
export const wish = ({ flavor, imageProperties }: NumaSource, key: string): Wish => ({
  flavor: flavor.extraSpecs[`hw:${key}`],
  image: imageProperties[`hw_${key}`],
})

/** Nova reads an empty value as none. */
export const isSet = (value: string | undefined): value is string => value !== undefined && value !== ''
