import type { InstanceId } from '#base'
import type { CandidateQuery } from '#cloud'
import type { HostRefusal, RequestSpec, SchedulingResult } from '#model'
import type { RequestFilterNote } from './request-filters/index.ts'
import type { Choice } from './select.ts'

/** A claim that placement refused although its candidate had fitted: somebody else was faster. */
export interface LostClaim {
  readonly instanceId: InstanceId
  readonly host: string
  readonly reason: string
}

/** Everything a person needs to understand one answer of the scheduler, without having been there. */
export interface SchedulingDecision {
  readonly atMs: number
  readonly tookMs: number
  /** The user's request that it belongs to. */
  readonly requestId: string | null
  readonly instanceIds: readonly InstanceId[]
  /** What was asked. */
  readonly spec: RequestSpec
  readonly requestFilters: readonly RequestFilterNote[]
  /** What placement was asked; more than one when pinned CPUs were also looked for as shared ones. */
  readonly queries: readonly CandidateQuery[]
  readonly candidateCount: number
  readonly hostCount: number
  /** Where the instances went and what the best hosts weighed; also of an attempt that ran out of hosts. */
  readonly choices: readonly Choice[]
  readonly lostClaims: readonly LostClaim[]
  /** Who fell out where, and why. */
  readonly refusals: readonly HostRefusal[]
  readonly result: SchedulingResult
}
