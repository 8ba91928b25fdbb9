import type { HostCheck, PlacedRequest } from '../filters/filter.ts'
import type { SchedulerHost } from '../host-source.ts'
import type { SchedulerOptions } from '../options.ts'

export type HostScore = (host: SchedulerHost) => number

/**
 * One reason to prefer a host. Scores are brought to 0…1 over the hosts of one decision and then multiplied; the most
 * preferred host has the largest sum.
 */
export interface HostWeigher {
  /** Nova's class name. */
  readonly name: string
  /** The multiplier's option, which is also the aggregate metadata key that overrides it on the aggregate's hosts. */
  readonly multiplierName: string
  /** Bottom of the scale instead of the least score; scores below are lifted to it. */
  readonly minimum?: number
  /** -1 for a weigher whose option counts against the host. */
  readonly sign?: -1
  multiplier(options: SchedulerOptions): number
  /** Null when it scores all hosts alike for this request. */
  prepare(request: PlacedRequest): HostScore | null
  /** Refuses hosts it cannot score; asked only where there is a choice between hosts. */
  prepareCheck?(request: PlacedRequest): HostCheck | null
}
