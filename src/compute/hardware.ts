import type { HostReport } from '#bus'
import type { Inventory } from '#cloud'
import { type DeviceSpec, devicesFor, hostTopology, PciPlacementInvalid, type TopologyOptions } from '#model'
import type { HostDescription } from '#virt'

/** What the operator lets guests have of this host by name. */
export interface HardwareOptions {
  readonly topology: TopologyOptions
  readonly deviceSpecs: readonly DeviceSpec[]
  /** `[pci] report_in_placement` */
  readonly reportsDevices: boolean
}

/** Each CPU belongs to one guest. */
const ownCpus = (total: number): Inventory => ({
  total,
  reserved: 0,
  minUnit: 1,
  maxUnit: total,
  stepSize: 1,
  allocationRatio: 1,
})

type Described = Pick<HostReport, 'description' | 'devices' | 'areDevicesInPlacement'>

/** The host as its hypervisor finds it, as far as the operator's options give it to guests. */
export function described(found: HostDescription, options: HardwareOptions | undefined): Described {
  const { cells, pciFunctions = [], ...description } = found
  const { deviceSpecs = [], reportsDevices = false, topology } = options ?? {}
  if (reportsDevices && deviceSpecs.some(spec => spec.isByName)) {
    const reason =
      "PCI Placement reporting does not support 'devname' based device specification. Please use PCI address in the configuration instead."
    throw PciPlacementInvalid({ reason })
  }
  const devices = devicesFor(deviceSpecs, pciFunctions)
  const rest = { devices, areDevicesInPlacement: reportsDevices }
  if (cells === undefined || cells.length === 0 || topology === undefined) return { description, ...rest }
  const numaTopology = hostTopology(cells, topology)
  const isSplit = Boolean(topology.shared) || Boolean(topology.dedicated)
  if (!isSplit) return { description: { ...description, numaTopology }, ...rest }
  const shared = numaTopology.cells.flatMap(cell => cell.sharedCpus).length
  const own = topology.dedicated ? numaTopology.cells.flatMap(cell => cell.dedicatedCpus).length : 0
  const extraInventories = { ...description.extraInventories, ...(own > 0 ? { PCPU: ownCpus(own) } : {}) }
  return { description: { ...description, vcpus: shared, numaTopology, extraInventories }, ...rest }
}
