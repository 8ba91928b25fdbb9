import type { HostWeigher } from './weigher.ts'

/** Counts servers: a positive multiplier packs, a negative one spreads. */
export const numInstancesWeigher: HostWeigher = {
  name: 'NumInstancesWeigher',
  multiplierName: 'num_instances_weight_multiplier',
  multiplier: options => options.filter_scheduler.num_instances_weight_multiplier,
  prepare: () => host => host.numInstances,
}
