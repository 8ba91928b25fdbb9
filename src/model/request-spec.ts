import type { InstanceId } from '#base'
import type { Flavor } from './flavor.ts'
import type { Instance, InstanceImage } from './instance.ts'
import type { NetworkNearness } from './numa/fit.ts'
import type { PciRequest } from './pci/request.ts'

/** One group of a port's `resource_request`: all of it from one provider, of which the port's binding tells Neutron. */
export interface PortResources {
  /** As Neutron names the group; that of the port itself where Neutron knows only one group per port. */
  readonly id: string
  readonly resources: Readonly<Record<string, number>>
  readonly required: readonly string[]
}

/** A port that is there before its server has a host. */
export interface RequestedPort {
  readonly id: string
  readonly networkId: string
  /** Of its first address; null while it has none. */
  readonly subnetId: string | null
  readonly vnicType: string
  readonly groups: readonly PortResources[]
  /** Groups that have to come from one branch of the host's providers. */
  readonly sameSubtree: readonly string[]
}

/** What the scheduler is asked to place. Serialisable: it is stored with the server and crosses the bus. */
export interface RequestSpec {
  readonly projectId: string
  readonly userId: string
  readonly flavor: Flavor
  readonly image: InstanceImage | null
  readonly isVolumeBacked: boolean
  readonly requestedZone: string | null
  /** `az:host:node` or the host/hypervisor_hostname of 2.74. */
  readonly destination: {
    readonly host: string | null
    readonly node: string | null
    readonly isForced: boolean
  } | null
  readonly ignoreHosts: readonly string[]
  /** os:scheduler_hints, each value a list. */
  readonly hints: Readonly<Record<string, readonly string[]>>
  /** Of ports that are there, and of those still to be made. */
  readonly networkIds: readonly string[]
  /** The ports that are there; absent: none. */
  readonly ports?: readonly RequestedPort[]
  /** A server that is in a cell stays in it. Absent: any cell that is not disabled. */
  readonly cellId?: string
  /** A move that may leave its cell, and the cell that it would rather stay in. */
  readonly preferredCellId?: string
  readonly serverGroup: {
    readonly id: string
    readonly policy: string
    readonly maxServerPerHost: number
    /** Hosts of the group's members. */
    readonly hosts: readonly string[]
    readonly members: readonly InstanceId[]
  } | null
  /** PCI devices that flavor and ports ask for; absent: none. */
  readonly pciRequests?: readonly PciRequest[]
  /** Networks whose cards should be near the guest's memory, where hosts tell where they are. */
  readonly networkNearness?: NetworkNearness
  /** It has local disks that are encrypted on their host, whatever its flavor says by now. */
  readonly hasEncryptedDisks?: true
}

/** One host as the scheduler sees it. */
export interface HostState {
  readonly host: string
  readonly node: string
  /** Compute node uuid = resource provider uuid. */
  readonly nodeId: string
  readonly isEnabled: boolean
  readonly isUp: boolean
  readonly disabledReason: string | null
  readonly vcpusTotal: number
  readonly vcpusUsed: number
  readonly cpuAllocationRatio: number
  readonly ramTotalMiB: number
  readonly ramFreeMiB: number
  readonly ramAllocationRatio: number
  readonly diskTotalGiB: number
  readonly diskFreeMiB: number
  readonly diskAllocationRatio: number
  readonly hypervisorType: string
  readonly hypervisorVersion: number
  readonly supportedInstances: readonly (readonly [string, string, string])[]
  readonly cpuInfo: Readonly<Record<string, unknown>>
  readonly hostIp: string
  readonly numInstances: number
  readonly numIoOps: number
  readonly failedBuilds: number
  readonly instanceIds: ReadonlySet<string>
  readonly aggregates: readonly AggregateView[]
  readonly metrics: Readonly<Record<string, number>>
}

export interface AggregateView {
  readonly id: number
  readonly uuid: string
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}

/** A place for one instance, with the allocation that must be claimed for it. */
export interface Selection {
  readonly host: string
  readonly node: string
  readonly nodeId: string
  readonly zone: string
  /** Amounts by class by provider. */
  readonly allocations: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Providers by the suffix of their request group. */
  readonly mappings?: Readonly<Record<string, readonly string[]>>
}

/** Why one host was not taken. */
export interface HostRefusal {
  readonly host: string
  /** The filter's class name, or `Placement`. */
  readonly filter: string
  readonly reason: string
}

/** Answer of the scheduler for one request: per instance the claimed selection first, then alternates. */
export type SchedulingResult =
  | {
      readonly ok: true
      readonly selections: readonly (readonly Selection[])[]
      readonly refusals: readonly HostRefusal[]
    }
  | { readonly ok: false; readonly message: string; readonly refusals: readonly HostRefusal[] }

/** What the server was once asked to be (`stored`), with its ports of now and without the host it was then forced to. */
export function specForMove(
  instance: Instance,
  stored: RequestSpec | undefined,
  ports: Pick<RequestSpec, 'ports' | 'networkIds'>,
): RequestSpec {
  const { projectId, userId, flavor, image } = instance
  const asBuilt: RequestSpec = stored ?? {
    projectId,
    userId,
    flavor,
    image,
    isVolumeBacked: false,
    requestedZone: instance.requestedZone,
    destination: null,
    ignoreHosts: [],
    hints: {},
    networkIds: instance.networkInfo.map(vif => vif.networkId),
    serverGroup: null,
  }
  return { ...asBuilt, ...ports, flavor, destination: null, ignoreHosts: [] }
}
