import type { RequestSpec, SchedulingResult } from '#model'
import { contract, method } from '../contract.ts'

/** Places servers. The first selection of each instance comes claimed. */
export const schedulerContract = contract('scheduler', {
  selectDestinations: method<{ spec: RequestSpec; instanceIds: readonly string[] }, SchedulingResult>(120_000),
})
export type SchedulerContract = typeof schedulerContract
