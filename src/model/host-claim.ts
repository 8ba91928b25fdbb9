import type { Flavor } from './flavor.ts'
import { fitOnHost, type NetworkNearness } from './numa/fit.ts'
import type { NumaLimits } from './numa/fit-cell.ts'
import { type FittedTopology, type HostTopology, numaUsage } from './numa/host-topology.ts'
import { type NumaTopology, numaTopology } from './numa/topology.ts'
import { type ChosenDevice, chooseDevices, freeByNode } from './pci/choose.ts'
import type { HeldPciDevice, PciDevice } from './pci/device.ts'
import type { PciRequest } from './pci/request.ts'

/** What a server wants of one host beyond what placement counts: CPUs, memory and devices that it can name. */
export interface HostDemand {
  readonly numa: NumaTopology | null
  readonly pci: readonly PciRequest[]
  readonly networks?: NetworkNearness
}

/** What it got. */
export interface HostGrant {
  readonly numa: FittedTopology | null
  readonly devices: readonly ChosenDevice[]
}

/** A host with what others have of it. */
export interface HostOccupancy {
  readonly topology: HostTopology | null
  /** Of servers on the host, and of moves that keep their source. */
  readonly guests: readonly FittedTopology[]
  readonly devices: readonly HeldPciDevice[]
  readonly limits: NumaLimits
}

export type GrantAnswer = { readonly grant: HostGrant } | { readonly refusal: string }

/** What a request asks of its host. */
export function hostDemand(spec: {
  readonly flavor: Pick<Flavor, 'vcpus' | 'memoryMiB' | 'extraSpecs'>
  readonly image: { readonly properties: Readonly<Record<string, string>> } | null
  readonly pciRequests?: readonly PciRequest[]
  readonly networkNearness?: NetworkNearness
}): HostDemand {
  const { flavor, image, pciRequests = [], networkNearness } = spec
  const numa = numaTopology({ flavor, imageProperties: image?.properties ?? {} }) ?? null
  return { numa, pci: pciRequests, ...(networkNearness === undefined ? {} : { networks: networkNearness }) }
}

/** Nothing beyond what placement counts. */
export const isPlain = ({ numa, pci }: HostDemand): boolean => numa === null && pci.length === 0

export interface ProviderChoice {
  readonly providers?: Readonly<Record<string, readonly string[]>>
  readonly providerOf?: (device: PciDevice) => string | undefined
}

/**
 * The part of the host that a server would get now, or in words why it gets none. Hosts that tell nothing of their nodes
 * take every layout, unpinned.
 */
export function grantOf(host: HostOccupancy, demand: HostDemand, choice: ProviderChoice = {}): GrantAnswer {
  const devicesOn = (cells: readonly number[] | null) =>
    chooseDevices({ requests: demand.pci, devices: host.devices, cells, host: host.topology, ...choice })
  if (demand.numa === null || host.topology === null) {
    const devices = devicesOn(null)
    return typeof devices === 'string' ? { refusal: devices } : { grant: { numa: null, devices } }
  }
  let devices: readonly ChosenDevice[] = []
  const hasDevices = host.devices.length > 0
  const fit = fitOnHost(host.topology, numaUsage(host.topology, host.guests), {
    topology: demand.numa,
    limits: host.limits,
    wantsDevices: demand.pci.length > 0,
    ...(demand.networks === undefined ? {} : { networks: demand.networks }),
    ...(hasDevices ? { devicesAt: freeByNode(host.devices) } : {}),
    accepts: cells => {
      const found = devicesOn(cells)
      if (typeof found === 'string') return found
      devices = found
      return true
    },
  })
  return fit.ok ? { grant: { numa: fit.fitted, devices } } : { refusal: fit.reason }
}
