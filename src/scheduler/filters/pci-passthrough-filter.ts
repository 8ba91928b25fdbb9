import { grantOf, hostDemand } from '#model'
import type { HostFilter } from './filter.ts'

/** The host has free PCI devices of the kinds that the request names. */
export const pciPassthroughFilter: HostFilter = {
  name: 'PciPassthroughFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ spec }) {
    const demand = { ...hostDemand(spec), numa: null }
    if (demand.pci.length === 0) return null
    return ({ occupancy }) => {
      if (occupancy === undefined || occupancy.devices.length === 0) return 'it has no PCI devices for guests'
      const answer = grantOf(occupancy, demand)
      return 'refusal' in answer ? answer.refusal : true
    }
  },
}
