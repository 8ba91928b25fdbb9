import type { HostWeigher } from './weigher.ts'

/** Prefers free memory; a negative multiplier stacks. */
export const ramWeigher: HostWeigher = {
  name: 'RAMWeigher',
  multiplierName: 'ram_weight_multiplier',
  minimum: 0,
  multiplier: options => options.filter_scheduler.ram_weight_multiplier,
  prepare: () => host => host.ramFreeMiB,
}
