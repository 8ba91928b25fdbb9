import { HostFilterNotFound } from '../faults.ts'
import { aggregateImagePropertiesIsolation } from './aggregate-image-properties-isolation.ts'
import { aggregateInstanceExtraSpecsFilter } from './aggregate-instance-extra-specs-filter.ts'
import { aggregateIoOpsFilter } from './aggregate-io-ops-filter.ts'
import { aggregateMultiTenancyIsolation } from './aggregate-multi-tenancy-isolation.ts'
import { aggregateNumInstancesFilter } from './aggregate-num-instances-filter.ts'
import { aggregateTypeAffinityFilter } from './aggregate-type-affinity-filter.ts'
import { allHostsFilter } from './all-hosts-filter.ts'
import { computeCapabilitiesFilter } from './compute-capabilities-filter.ts'
import { computeFilter } from './compute-filter.ts'
import { differentHostFilter } from './different-host-filter.ts'
import type { HostFilter } from './filter.ts'
import { imagePropertiesFilter } from './image-properties-filter.ts'
import { ioOpsFilter } from './io-ops-filter.ts'
import { isolatedHostsFilter } from './isolated-hosts-filter.ts'
import { jsonFilter } from './json-filter.ts'
import { metricsFilter } from './metrics-filter.ts'
import { numInstancesFilter } from './num-instances-filter.ts'
import { numaTopologyFilter } from './numa-topology-filter.ts'
import { pciPassthroughFilter } from './pci-passthrough-filter.ts'
import { sameHostFilter } from './same-host-filter.ts'
import { serverGroupAffinityFilter } from './server-group-affinity-filter.ts'
import { serverGroupAntiAffinityFilter } from './server-group-anti-affinity-filter.ts'
import { simpleCidrAffinityFilter } from './simple-cidr-affinity-filter.ts'

export type { HostCheck, HostFilter, PlacedRequest, Verdict } from './filter.ts'

/** Every filter this scheduler has. */
export const allFilters: readonly HostFilter[] = [
  aggregateImagePropertiesIsolation,
  aggregateInstanceExtraSpecsFilter,
  aggregateIoOpsFilter,
  aggregateMultiTenancyIsolation,
  aggregateNumInstancesFilter,
  aggregateTypeAffinityFilter,
  allHostsFilter,
  computeCapabilitiesFilter,
  computeFilter,
  differentHostFilter,
  imagePropertiesFilter,
  ioOpsFilter,
  isolatedHostsFilter,
  jsonFilter,
  metricsFilter,
  numaTopologyFilter,
  numInstancesFilter,
  pciPassthroughFilter,
  sameHostFilter,
  serverGroupAffinityFilter,
  serverGroupAntiAffinityFilter,
  simpleCidrAffinityFilter,
]

/** Names that old configurations carry, and who does that work today. */
const removed: Readonly<Record<string, string>> = {
  RetryFilter: 'failed builds go to the alternates that travel with the request',
  AvailabilityZoneFilter: 'zones are asked of placement',
  CoreFilter: 'placement counts VCPU',
  RamFilter: 'placement counts MEMORY_MB',
  DiskFilter: 'placement counts DISK_GB',
  AggregateCoreFilter: 'placement counts VCPU',
  AggregateRamFilter: 'placement counts MEMORY_MB',
  AggregateDiskFilter: 'placement counts DISK_GB',
  ExactCoreFilter: 'placement counts VCPU',
  ExactRamFilter: 'placement counts MEMORY_MB',
  ExactDiskFilter: 'placement counts DISK_GB',
  TypeAffinityFilter: 'AggregateTypeAffinityFilter sorts flavors to hosts',
}

const allFiltersPath = 'nova.scheduler.filters.all_filters'
const lastPart = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** The filters of `enabled_filters` in that order. Throws `HostFilterNotFound` for a name that is not available. */
export function enabledFilters(enabled: readonly string[], available: readonly string[]): readonly HostFilter[] {
  const usable = available.includes(allFiltersPath)
    ? allFilters
    : allFilters.filter(filter => available.some(path => lastPart(path) === filter.name))
  return enabled.map(path => {
    const name = lastPart(path)
    const filter = usable.find(candidate => candidate.name === name)
    if (filter !== undefined) return filter
    const successor = removed[name]
    const hint = successor === undefined ? '' : ` It was removed: ${successor}.`
    throw HostFilterNotFound({ name, hint, known: usable.map(known => known.name).join(', ') })
  })
}
