import { aggregateMetadata } from '../aggregate-metadata.ts'
import type { HostFilter } from './filter.ts'

/** Other keys of an aggregate are about something else, even if an image has a property of that name. */
const imageProperty = /^(hw|img|os)_/

/** An image property that an aggregate of the host lists must have one of the listed values, if the image sets it. */
export const aggregateImagePropertiesIsolation: HostFilter = {
  name: 'AggregateImagePropertiesIsolation',
  isOncePerRequest: true,
  runsOnRebuild: true,
  prepare({ spec, options }) {
    const properties = spec.image?.properties ?? {}
    const settings = options.filter_scheduler
    const namespace = settings.aggregate_image_properties_isolation_namespace
    const prefix = namespace ? namespace + settings.aggregate_image_properties_isolation_separator : ''
    const counting = Object.entries(properties).filter(
      ([name, value]) => imageProperty.test(name) && name.startsWith(prefix) && value !== '',
    )
    if (counting.length === 0) return null
    return host => {
      if (host.aggregates.length === 0) return true
      const metadata = aggregateMetadata(host.aggregates)
      for (const [name, value] of counting) {
        const allowed = metadata.get(name)
        if (allowed !== undefined && !allowed.has(value)) {
          return `the image has ${name}=${value}, the host's aggregates allow ${[...allowed].join(', ')}`
        }
      }
      return true
    }
  },
}
