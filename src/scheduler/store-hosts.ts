import type { Clock } from '#base'
import { type ComputeNode, type HostUsage, isServiceUp, type Service, type Store } from '#store'
import type { AggregateWithHosts, HostSource, SchedulerHost } from './host-source.ts'

export interface StoreHostOptions {
  readonly serviceDownTimeMs: number
}

const MiBPerGiB = 1024

const noUsage = (host: string): HostUsage => ({ host, instances: 0, vcpus: 0, memoryMiB: 0, diskGiB: 0, ioOps: 0 })

/** What placement lets the scheduler take of memory beyond what the host has is the ratio's business. */
function stateOf(
  node: ComputeNode,
  service: Service,
  usage: HostUsage,
  aggregates: readonly AggregateWithHosts[],
  instanceIds: ReadonlySet<string>,
  isUp: boolean,
): SchedulerHost {
  const { description: d } = node
  return {
    host: node.host,
    node: d.hypervisorHostname,
    nodeId: node.uuid,
    isEnabled: !service.isDisabled,
    isUp,
    disabledReason: service.disabledReason,
    vcpusTotal: d.vcpus,
    vcpusUsed: usage.vcpus,
    cpuAllocationRatio: node.cpuAllocationRatio,
    ramTotalMiB: d.memoryMiB,
    ramFreeMiB: d.memoryMiB - usage.memoryMiB,
    ramAllocationRatio: node.ramAllocationRatio,
    diskTotalGiB: d.localDiskGiB,
    diskFreeMiB: (d.localDiskGiB - usage.diskGiB) * MiBPerGiB,
    diskAllocationRatio: node.diskAllocationRatio,
    hypervisorType: d.hypervisorType,
    hypervisorVersion: d.hypervisorVersion,
    supportedInstances: d.supportedInstances,
    cpuInfo: d.cpuInfo,
    hostIp: d.hostIp,
    numInstances: usage.instances,
    numIoOps: usage.ioOps,
    failedBuilds: node.failedBuilds,
    instanceIds,
    aggregates: aggregates.filter(a => a.hosts.includes(node.host)),
    metrics: {},
  }
}

/** The hosts as Nova's databases know them, in a fixed number of statements. */
export function storeHosts(store: Store, clock: Clock, options: StoreHostOptions): HostSource {
  return {
    async hostStates(nodeIds) {
      const wanted = new Set(nodeIds)
      const nodes = (await store.computeNodes.list()).filter(n => wanted.has(n.uuid))
      const services = new Map((await store.services.list({ binary: 'nova-compute' })).map(s => [s.host, s]))
      const usage = await store.computeNodes.usage()
      const aggregates = await store.aggregates.list()
      const onHosts = await store.instances.idsByHost(nodes.map(n => n.host))
      const now = clock.now()
      return nodes.flatMap(node => {
        const service = services.get(node.host)
        if (service === undefined) return []
        const isUp = isServiceUp(service, now, options.serviceDownTimeMs)
        return [
          stateOf(
            node,
            service,
            usage.get(node.host) ?? noUsage(node.host),
            aggregates,
            onHosts.get(node.host) ?? new Set(),
            isUp,
          ),
        ]
      })
    },
    async findNodes({ host, node }) {
      const nodes = await store.computeNodes.list()
      return nodes
        .filter(n => host === null || n.host.toLowerCase() === host.toLowerCase())
        .filter(n => node === null || n.description.hypervisorHostname === node)
        .map(n => ({ nodeId: n.uuid, host: n.host, node: n.description.hypervisorHostname }))
    },
    aggregates: () => store.aggregates.list(),
  }
}
