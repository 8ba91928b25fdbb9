import { grantOf, hasThreads, hostDemand } from '#model'
import type { HostFilter, PlacedRequest } from './filter.ts'

const isOwn = ({ spec }: PlacedRequest): boolean =>
  [spec.flavor.extraSpecs['hw:cpu_policy'], spec.image?.properties['hw_cpu_policy']].includes('dedicated')
const wantsThreads = ({ spec }: PlacedRequest): boolean =>
  [spec.flavor.extraSpecs['hw:cpu_thread_policy'], spec.image?.properties['hw_cpu_thread_policy']].includes('require')

/** The guest's NUMA nodes, its own CPUs, its pages and its devices fit on the host's nodes as they are used now. */
export const numaTopologyFilter: HostFilter = {
  name: 'NUMATopologyFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare(request) {
    const demand = hostDemand(request.spec)
    if (demand.numa === null) return null
    const needsThreads = isOwn(request) && wantsThreads(request)
    return ({ occupancy }) => {
      const topology = occupancy?.topology
      if (occupancy === undefined || topology == null)
        return 'it tells nothing of its NUMA cells, and the request names some'
      if (needsThreads && !hasThreads(topology))
        return 'its cores have one thread each, and cpu_thread_policy is require'
      const answer = grantOf(occupancy, demand)
      return 'refusal' in answer ? answer.refusal : true
    }
  },
}
