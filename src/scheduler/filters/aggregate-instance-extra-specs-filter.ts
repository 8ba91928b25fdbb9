import { aggregateMetadata } from '../aggregate-metadata.ts'
import { matchesExtraSpec } from '../extra-spec-match.ts'
import type { HostFilter } from './filter.ts'

const scope = 'aggregate_instance_extra_specs:'

/** The flavor's extra specs against the metadata of the host's aggregates; those without a scope count as well. */
export const aggregateInstanceExtraSpecsFilter: HostFilter = {
  name: 'AggregateInstanceExtraSpecsFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare({ spec }) {
    const demands = Object.entries(spec.flavor.extraSpecs).flatMap(([key, required]) => {
      if (key.startsWith(scope)) return [{ key: key.slice(scope.length), required }]
      return key.includes(':') ? [] : [{ key, required }]
    })
    if (demands.length === 0) return null
    return host => {
      const metadata = aggregateMetadata(host.aggregates)
      for (const { key, required } of demands) {
        const values = metadata.get(key)
        if (values === undefined)
          return `an aggregate with ${key} '${required}' was needed, none of the host's has ${key}`
        if (![...values].some(value => matchesExtraSpec(value, required))) {
          return `an aggregate with ${key} '${required}' was needed, the host's have '${[...values].join(', ')}'`
        }
      }
      return true
    }
  },
}
