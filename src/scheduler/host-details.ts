import type { HostDemand, RequestSpec } from '#model'
import { isPlain } from '#model'
import { setsMultiplier } from './aggregate-metadata.ts'
import { aggregateNumInstancesFilter } from './filters/aggregate-num-instances-filter.ts'
import type { HostFilter } from './filters/index.ts'
import { numInstancesFilter } from './filters/num-instances-filter.ts'
import { isServerCount } from './host-attributes.ts'
import type { HostSource, SchedulerHost } from './host-source.ts'
import type { SchedulerOptions } from './options.ts'
import type { HostWeigher } from './weighers/index.ts'
import { numInstancesWeigher } from './weighers/num-instances-weigher.ts'

export interface DetailWish {
  readonly spec: RequestSpec
  readonly demand: HostDemand
  readonly filters: readonly HostFilter[]
  readonly weighers: readonly HostWeigher[]
  readonly options: SchedulerOptions
}

/** Attributes of hosts that the request names: flavors in `capabilities:…` or without a scope, hints as `$…`. */
function namedAttributes({ flavor, hints }: RequestSpec): readonly string[] {
  const words = (hints['query'] ?? []).flatMap(query => query.match(/\$\w+/g) ?? [])
  return [...Object.keys(flavor.extraSpecs).flatMap(key => key.split(':').slice(0, 2)), ...words.map(w => w.slice(1))]
}

const asksForCounts = ({ spec }: DetailWish): boolean => namedAttributes(spec).some(isServerCount)

const instanceFilters: readonly string[] = [numInstancesFilter.name, aggregateNumInstancesFilter.name]

/** Some filter or weigher, or the request itself, looks at how many servers a host has. */
function asksForInstances({ spec, filters, weighers, options }: DetailWish, hosts: readonly SchedulerHost[]): boolean {
  if (filters.some(({ name }) => instanceFilters.includes(name))) return true
  if (namedAttributes(spec).includes('num_instances')) return true
  if (!weighers.includes(numInstancesWeigher)) return false
  const { multiplierName } = numInstancesWeigher
  return (
    numInstancesWeigher.multiplier(options) !== 0 || hosts.some(host => setsMultiplier(host.aggregates, multiplierName))
  )
}

const asksForImageProperties = ({ spec, weighers, options }: DetailWish): boolean =>
  options.filter_scheduler.image_props_weight_multiplier !== 0 &&
  Object.keys(spec.image?.properties ?? {}).length > 0 &&
  weighers.some(({ name }) => name === 'ImagePropertiesWeigher')

const none: ReadonlyMap<string, number> = new Map()

/** The hosts with what only some requests look at, and what would be dear to read for all: each in one statement. */
export async function withDetails(
  source: HostSource,
  hosts: readonly SchedulerHost[],
  wish: DetailWish,
): Promise<readonly SchedulerHost[]> {
  const occupancies = isPlain(wish.demand) ? undefined : await source.occupancies?.(hosts.map(host => host.nodeId))
  const images = asksForImageProperties(wish) ? await source.imageProperties?.() : undefined
  const counts = asksForCounts(wish) ? await source.serverCounts?.() : undefined
  const instances = asksForInstances(wish, hosts) ? await source.instanceCounts?.() : undefined
  if ([occupancies, images, counts, instances].every(known => known === undefined)) return hosts
  return hosts.map(host => {
    const occupancy = occupancies?.get(host.nodeId)
    return {
      ...host,
      ...(occupancy === undefined ? {} : { occupancy }),
      ...(images === undefined ? {} : { imagePropertyCounts: images.get(host.host) ?? none }),
      ...(instances === undefined ? {} : { numInstances: instances.get(host.host) ?? 0 }),
      ...(counts === undefined ? {} : { stats: counts.get(host.host) ?? none }),
    }
  })
}
