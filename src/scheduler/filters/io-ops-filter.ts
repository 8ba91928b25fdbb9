import type { HostFilter } from './filter.ts'

/** Hosts that are busy building, resizing or migrating take no more for now. */
export const ioOpsFilter: HostFilter = {
  name: 'IoOpsFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare:
    ({ options }) =>
    host =>
      ioOpsBelow(host.numIoOps, options.filter_scheduler.max_io_ops_per_host),
}

export const ioOpsBelow = (running: number, limit: number): true | string =>
  running < limit || `${running} disk-heavy operations are running, fewer than ${limit} needed (max_io_ops_per_host)`
