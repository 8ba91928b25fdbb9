import { type ComputeNode, type HostUsage, isServiceUp, type Store } from '#store'
import type { HostRoom } from './room.ts'

const mbPerGiB = 1024

/** The hosts of this cell that servers may be placed on. */
export interface OwnHosts {
  readonly rooms: readonly HostRoom[]
  /** The version that most of them have, as `9.2.0`; undefined without hosts. */
  readonly hypervisorVersion: string | undefined
}

/** `major * 1000000 + minor * 1000 + micro` as text. */
const dotted = (version: number): string =>
  [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000].join('.')

function prominent(nodes: readonly ComputeNode[]): string | undefined {
  const byVersion = Map.groupBy(nodes, node => node.description.hypervisorVersion)
  const [most] = [...byVersion].sort(([a, as], [b, bs]) => bs.length - as.length || b - a)
  return most === undefined ? undefined : dotted(most[0])
}

const roomOf = ({ description, reserved }: ComputeNode, used: HostUsage | undefined): HostRoom => {
  const [ramMB, diskMB] = [description.memoryMiB, description.localDiskGiB * mbPerGiB]
  const usedDiskMB = ((used?.diskGiB ?? 0) + reserved.diskGiB) * mbPerGiB
  return {
    ram: { totalMB: ramMB, freeMB: ramMB - reserved.memoryMiB - (used?.memoryMiB ?? 0) },
    disk: { totalMB: diskMB, freeMB: diskMB - usedDiskMB },
  }
}

async function hostsIn(store: Store, nowMs: number, serviceDownTimeMs: number) {
  const reader = store.mayLag('reports')
  const services = await reader.services.list({ binary: 'nova-compute' })
  const usable = services.filter(service => !service.isDisabled && isServiceUp(service, nowMs, serviceDownTimeMs))
  const names = new Set(usable.map(service => service.host))
  const nodes = (await reader.computeNodes.list()).filter(node => names.has(node.host))
  const usage = await reader.computeNodes.usage()
  return { nodes, rooms: nodes.map(node => roomOf(node, usage.get(node.host))) }
}

/**
 * Enabled and up, with what their servers have taken. Ratios of over-commitment do not count, as in Nova: a cell is called
 * full a little early rather than late.
 */
export async function ownHosts(stores: readonly Store[], nowMs: number, serviceDownTimeMs: number): Promise<OwnHosts> {
  const parts = await Promise.all(stores.map(store => hostsIn(store, nowMs, serviceDownTimeMs)))
  return {
    rooms: parts.flatMap(part => part.rooms),
    hypervisorVersion: prominent(parts.flatMap(part => part.nodes)),
  }
}
