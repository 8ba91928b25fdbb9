import type { HostWeigher } from './weigher.ts'

/** Prefers newer hypervisors. */
export const hypervisorVersionWeigher: HostWeigher = {
  name: 'HypervisorVersionWeigher',
  multiplierName: 'hypervisor_version_weight_multiplier',
  multiplier: options => options.filter_scheduler.hypervisor_version_weight_multiplier,
  prepare: () => host => host.hypervisorVersion,
}
