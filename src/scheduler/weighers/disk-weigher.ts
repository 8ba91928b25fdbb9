import type { HostWeigher } from './weigher.ts'

/** Prefers free disk. */
export const diskWeigher: HostWeigher = {
  name: 'DiskWeigher',
  multiplierName: 'disk_weight_multiplier',
  minimum: 0,
  multiplier: options => options.filter_scheduler.disk_weight_multiplier,
  prepare: () => host => host.diskFreeMiB,
}
