import type { HostWeigher } from './weigher.ts'

/** Shuns hosts where builds failed lately; the large multiplier lets that outweigh everything else. */
export const buildFailureWeigher: HostWeigher = {
  name: 'BuildFailureWeigher',
  multiplierName: 'build_failure_weight_multiplier',
  sign: -1,
  multiplier: options => options.filter_scheduler.build_failure_weight_multiplier,
  prepare: () => host => host.failedBuilds,
}
