/** A flavor as it is stored and as every instance keeps its own copy of it. */
export interface Flavor {
  /** Database number; clients see `flavorId`. */
  readonly number: number
  readonly flavorId: string
  readonly name: string
  readonly memoryMiB: number
  readonly vcpus: number
  readonly rootGiB: number
  readonly ephemeralGiB: number
  readonly swapMiB: number
  readonly rxtxFactor: number
  readonly isPublic: boolean
  readonly isDisabled: boolean
  readonly description: string | null
  readonly extraSpecs: Readonly<Record<string, string>>
}
