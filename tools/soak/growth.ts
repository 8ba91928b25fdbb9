/** Resident memory of one process over time, in MiB, at equal distances. */
export type Course = readonly number[]

export interface Growth {
  /** Medians of the second and of the last third; the first is the time in which code is compiled and caches fill. */
  readonly before: number
  readonly after: number
  readonly isFlat: boolean
}

/** What garbage collection makes of the same work from one minute to the next. */
const noiseMiB = 16
const noiseShare = 0.1

const median = (values: Course): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

export function growthOf(course: Course): Growth {
  const third = Math.floor(course.length / 3)
  const [before, after] = [median(course.slice(third, 2 * third)), median(course.slice(2 * third))]
  return { before, after, isFlat: after - before <= Math.max(noiseMiB, noiseShare * before) }
}
