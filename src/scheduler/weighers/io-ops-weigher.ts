import type { HostWeigher } from './weigher.ts'

/** Counts builds, resizes and migrations under way; the default multiplier is negative and so prefers idle hosts. */
export const ioOpsWeigher: HostWeigher = {
  name: 'IoOpsWeigher',
  multiplierName: 'io_ops_weight_multiplier',
  minimum: 0,
  multiplier: options => options.filter_scheduler.io_ops_weight_multiplier,
  prepare: () => host => host.numIoOps,
}
