import type { Flavor } from './flavor.ts'
import { fitOnHost, type NetworkNearness } from './numa/fit.ts'
import type { NumaLimits } from './numa/fit-cell.ts'
import { type FittedTopology, type HostTopology, numaUsage } from './numa/host-topology.ts'
import { type NumaTopology, numaTopology } from './numa/topology.ts'
import { type ChosenDevice, chooseDevices, freeByNode } from './pci/choose.ts'
import type { HeldPciDevice, PciDevice } from './pci/device.ts'
import type { PciRequest } from './pci/request.ts'
import type { RequestedPort } from './request-spec.ts'

/** What a server wants of one host beyond what placement counts: CPUs, memory and devices that it can name. */
export interface HostDemand {
  readonly numa: NumaTopology | null
  readonly pci: readonly PciRequest[]
  readonly networks?: NetworkNearness
  /** Ports that want something of a provider of the network; absent: none. */
  readonly ports?: readonly RequestedPort[]
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
  readonly ports?: readonly RequestedPort[]
}): HostDemand {
  const { flavor, image, pciRequests = [], networkNearness } = spec
  const numa = numaTopology({ flavor, imageProperties: image?.properties ?? {} }) ?? null
  const ports = (spec.ports ?? []).filter(port => port.groups.length > 0)
  return {
    numa,
    pci: pciRequests,
    ...(networkNearness === undefined ? {} : { networks: networkNearness }),
    ...(ports.length === 0 ? {} : { ports }),
  }
}

/** Nothing of the host itself beyond what placement counts. */
export const isPlain = ({ numa, pci }: HostDemand): boolean => numa === null && pci.length === 0

/** Nothing that anybody would have to remember by name. */
export const namesNothing = (demand: HostDemand): boolean => isPlain(demand) && demand.ports === undefined

export interface ProviderChoice {
  readonly providers?: Readonly<Record<string, readonly string[]>>
  readonly cards?: Readonly<Record<string, string>>
  readonly providerOf?: (device: PciDevice) => string | undefined
  /** Host nodes that a guest is on already which now gets more. */
  readonly near?: readonly number[]
}

/**
 * The part of the host that a server would get now, or in words why it gets none. Hosts that tell nothing of their nodes
 * take every layout, unpinned.
 */
export function grantOf(host: HostOccupancy, demand: HostDemand, choice: ProviderChoice = {}): GrantAnswer {
  const devicesOn = (cells: readonly number[] | null) =>
    chooseDevices({ requests: demand.pci, devices: host.devices, cells, host: host.topology, ...choice })
  if (demand.numa === null || host.topology === null) {
    const devices = devicesOn(choice.near ?? null)
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
