import type { HostCheck, HostFilter } from './filter.ts'

export const computeServiceCheck: HostCheck = host => {
  if (!host.isEnabled) {
    return `the compute service is disabled${host.disabledReason ? ` (${host.disabledReason})` : ''}`
  }
  return host.isUp || 'the compute service is down: it was forced down or has not reported in time'
}

/** The host's nova-compute must be enabled and alive. */
export const computeFilter: HostFilter = {
  name: 'ComputeFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare: () => computeServiceCheck,
}
