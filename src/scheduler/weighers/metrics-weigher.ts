import { ratioSettings } from '../options.ts'
import type { HostWeigher } from './weigher.ts'

/**
 * The host's metrics times the ratios of `[metrics]weight_setting`. Where `required` is set, Nova fails the whole
 * request if one host lacks a metric; here that host is refused, and the others stay.
 */
export const metricsWeigher: HostWeigher = {
  name: 'MetricsWeigher',
  multiplierName: 'metrics_weight_multiplier',
  multiplier: options => options.metrics.weight_multiplier,
  prepare({ options: { metrics } }) {
    const ratios = [...ratioSettings(metrics.weight_setting)]
    if (ratios.length === 0) return null
    return host => {
      let sum = 0
      for (const [name, ratio] of ratios) {
        const value = host.metrics[name]
        if (value !== undefined) sum += value * ratio
        else if (ratio !== 0) return metrics.weight_of_unavailable
      }
      return sum
    }
  },
  prepareCheck({ options: { metrics } }) {
    const names = [...ratioSettings(metrics.weight_setting).keys()]
    if (!metrics.required || names.length === 0) return null
    return host => {
      const missing = names.find(name => host.metrics[name] === undefined)
      return missing === undefined || `the metric ${missing} is required, the host does not report it`
    }
  },
}
