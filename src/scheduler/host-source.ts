import type { AggregateView, HostOccupancy, HostState } from '#model'

/** A host with the facts that only some hosts have; what is absent counts as none. */
export interface SchedulerHost extends HostState {
  /** Alternates stay in the cell of the chosen host. Absent: everything is one cell. */
  readonly cellId?: string
  /** The operator wants nothing new in its cell. */
  readonly isInDisabledCell?: boolean
  /** Devices of all PCI pools that no instance holds. */
  readonly freePciDevices?: number
  /** CPUs, memory nodes and devices, and who has them; only where the request names some. */
  readonly occupancy?: HostOccupancy
  /** How often `name=value` occurs among the image properties of the instances here. */
  readonly imagePropertyCounts?: ReadonlyMap<string, number>
  /** Further keys of the host's `stats`: servers by project, state, task and system; only where a request names some. */
  readonly stats?: ReadonlyMap<string, number>
}

/** A host aggregate with the names of its hosts. */
export interface AggregateWithHosts extends AggregateView {
  readonly hosts: readonly string[]
}

/** A compute node by its names. */
export interface NodeName {
  readonly nodeId: string
  readonly host: string
  readonly node: string
}

/**
 * The hosts as the scheduler may see them: a snapshot, a little old at times. Whoever commits checks again (placement
 * when it is claimed, nova-compute for server groups), so an implementation may cache until its store says it changed.
 */
export interface HostSource {
  /**
   * Hosts of these compute nodes, disabled and down ones too. Ids that are no compute node are left out. `instanceIds` of a
   * host holds those of the asked servers that are on it: a request is about few of the many there are. What is used and
   * free need not be filled in: whoever schedules takes that from placement.
   */
  hostStates(nodeIds: readonly string[], askedServers?: readonly string[]): Promise<readonly SchedulerHost[]>
  /** Compute nodes of a host, or of a host and node; null matches any. Host names ignore case, node names do not. */
  findNodes(name: { readonly host: string | null; readonly node: string | null }): Promise<readonly NodeName[]>
  /** For requests that name CPUs, memory nodes or devices: who has what of these nodes. Absent: they have none to name. */
  occupancies?(nodeIds: readonly string[]): Promise<ReadonlyMap<string, HostOccupancy>>
  aggregates(): Promise<readonly AggregateWithHosts[]>
  /** How many servers hosts have, by host, where `hostStates` leaves that out: few requests look at it. */
  instanceCounts?(): Promise<ReadonlyMap<string, number>>
  /** `name=value` of image properties by how many servers have it, by host; none: nobody counts. */
  imageProperties?(): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>>
  /** `num_vm_active`, `num_proj_…` and the like, by host. */
  serverCounts?(): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>>
  /** The least version among the nova-compute services; undefined: there is none, or nobody knows. */
  oldestCompute?(): Promise<number | undefined>
}
