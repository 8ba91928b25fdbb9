import type { CellWeigher } from './candidate.ts'

export interface WeigherOptions {
  readonly ramMultiplier: number
  readonly offsetMultiplier: number
  readonly muteMultiplier: number
}

/** Nova's class names, with the options that multiply them. */
export const cellWeighers = (options: WeigherOptions): readonly CellWeigher[] => [
  {
    name: 'RamByInstanceTypeWeigher',
    multiplier: options.ramMultiplier,
    score: ({ capacities }, { memoryMiB }) => capacities?.ram_free.units_by_mb[String(memoryMiB)] ?? 0,
  },
  {
    name: 'WeightOffsetWeigher',
    multiplier: options.offsetMultiplier,
    score: ({ weightOffset }) => weightOffset,
  },
  {
    name: 'MuteChildWeigher',
    multiplier: options.muteMultiplier,
    score: ({ isMute }) => (isMute ? 1 : 0),
  },
]
