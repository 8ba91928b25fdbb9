import type { HostTopology } from './numa/host-topology.ts'

/** What nova-compute reports of one hypervisor node: the driver describes it, the store keeps it, the API shows it. */
export interface NodeDescription {
  readonly hypervisorHostname: string
  readonly hypervisorType: string
  /** major * 1000000 + minor * 1000 + micro */
  readonly hypervisorVersion: number
  readonly vcpus: number
  readonly memoryMiB: number
  readonly memoryUsedMiB: number
  readonly localDiskGiB: number
  readonly localDiskUsedGiB: number
  readonly localDiskFreeGiB: number
  readonly cpuInfo: Readonly<Record<string, unknown>>
  /** [architecture, hypervisor, vm mode] triples. */
  readonly supportedInstances: readonly (readonly [string, string, string])[]
  readonly traits: readonly string[]
  readonly hostIp: string
  /** Absent where guests get no CPUs or memory nodes by name. */
  readonly numaTopology?: HostTopology
  /** `HH:MM:SS up …` text of `uptime`, or null. */
  readonly uptime: string | null
}

/** What a compute monitor measured of a node. */
export interface NodeMetric {
  readonly name: string
  /** Whole: Nova keeps no fractions. */
  readonly value: number
  readonly atMs: number
  /** Who measured it: the driver. */
  readonly source: string
}
