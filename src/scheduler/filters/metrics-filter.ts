import { ratioSettings } from '../options.ts'
import type { HostFilter } from './filter.ts'

/** Every metric in `[metrics]weight_setting` must be reported by the host. */
export const metricsFilter: HostFilter = {
  name: 'MetricsFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ options }) {
    const names = [...ratioSettings(options.metrics.weight_setting).keys()]
    if (names.length === 0) return null
    return host => {
      const missing = names.filter(name => host.metrics[name] === undefined)
      return (
        missing.length === 0 ||
        `the metrics ${names.join(', ')} are needed, the host does not report ${missing.join(', ')}`
      )
    }
  },
}
