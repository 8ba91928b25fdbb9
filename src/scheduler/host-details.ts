import type { HostDemand, RequestSpec } from '#model'
import { isPlain } from '#model'
import { isServerCount } from './host-attributes.ts'
import type { HostSource, SchedulerHost } from './host-source.ts'
import type { SchedulerOptions } from './options.ts'
import type { HostWeigher } from './weighers/index.ts'

export interface DetailWish {
  readonly spec: RequestSpec
  readonly demand: HostDemand
  readonly weighers: readonly HostWeigher[]
  readonly options: SchedulerOptions
}

/** Flavors name counts in `capabilities:…` or without a scope, hints as `$…`. */
function asksForCounts({ flavor, hints }: RequestSpec): boolean {
  const named = Object.keys(flavor.extraSpecs).flatMap(key => key.split(':').slice(0, 2))
  if (named.some(isServerCount)) return true
  const words = (hints['query'] ?? []).flatMap(query => query.match(/\$\w+/g) ?? [])
  return words.some(word => isServerCount(word.slice(1)))
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
  const counts = asksForCounts(wish.spec) ? await source.serverCounts?.() : undefined
  if (occupancies === undefined && images === undefined && counts === undefined) return hosts
  return hosts.map(host => {
    const occupancy = occupancies?.get(host.nodeId)
    return {
      ...host,
      ...(occupancy === undefined ? {} : { occupancy }),
      ...(images === undefined ? {} : { imagePropertyCounts: images.get(host.host) ?? none }),
      ...(counts === undefined ? {} : { stats: counts.get(host.host) ?? none }),
    }
  })
}
