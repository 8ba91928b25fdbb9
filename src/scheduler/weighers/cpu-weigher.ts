import type { HostWeigher } from './weigher.ts'

/** Prefers free vCPUs, counted with the allocation ratio. */
export const cpuWeigher: HostWeigher = {
  name: 'CPUWeigher',
  multiplierName: 'cpu_weight_multiplier',
  minimum: 0,
  multiplier: options => options.filter_scheduler.cpu_weight_multiplier,
  prepare: () => host => host.vcpusTotal * host.cpuAllocationRatio - host.vcpusUsed,
}
