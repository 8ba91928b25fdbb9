import type { Instance } from '#model'
import type { ComputeNode, HostUsage, Service } from '#store'
import type { ApiDeps } from '../../deps.ts'

/** A compute node with the service that runs it. */
export interface Hypervisor {
  readonly node: ComputeNode
  readonly service: Service
}

/** Nodes whose service is gone are litter of an operator and are not shown. */
export async function listHypervisors(deps: ApiDeps): Promise<readonly Hypervisor[]> {
  const services = await deps.store.services.list({ binary: 'nova-compute' })
  const byHost = new Map(services.map(service => [service.host, service]))
  return (await deps.store.computeNodes.list()).flatMap(node => {
    const service = byHost.get(node.host)
    return service === undefined ? [] : [{ node, service }]
  })
}

/** One node, unless its service is gone. */
export async function findHypervisor(
  deps: ApiDeps,
  by: { uuid: string } | { number: number } | { host: string },
): Promise<Hypervisor | undefined> {
  const node = await deps.store.computeNodes.find(by)
  const service = node === undefined ? undefined : await deps.store.services.find(node.host, 'nova-compute')
  return node === undefined || service === undefined ? undefined : { node, service }
}

export interface Load {
  readonly usage: ReadonlyMap<string, HostUsage>
  readonly workload: ReadonlyMap<string, number>
}

export const loadOf = async (deps: ApiDeps): Promise<Load> => ({
  usage: await deps.store.mayLag('reports').computeNodes.usage(),
  workload: await deps.store.mayLag('reports').computeNodes.workload(),
})

/** What the records say of a node: the operator's reserve counts as used, as do servers that are off. */
export function amounts({ node }: Hypervisor, { usage, workload }: Load) {
  const { description, reserved, host } = node
  const used = usage.get(host)
  const memoryUsed = reserved.memoryMiB + (used?.memoryMiB ?? 0)
  const diskUsed = reserved.diskGiB + (used?.diskGiB ?? 0)
  return {
    vcpus: description.vcpus,
    memory_mb: description.memoryMiB,
    local_gb: description.localDiskGiB,
    vcpus_used: reserved.vcpus + (used?.vcpus ?? 0),
    memory_mb_used: memoryUsed,
    local_gb_used: diskUsed,
    free_ram_mb: description.memoryMiB - memoryUsed,
    free_disk_gb: description.localDiskGiB - diskUsed,
    current_workload: workload.get(host) ?? 0,
    running_vms: used?.instances ?? 0,
    /** What the host's file system has left now, whatever the flavors promise. */
    disk_available_least: description.localDiskFreeGiB,
  }
}

/** Living servers by host, in one statement. */
export async function serversOn(
  deps: ApiDeps,
  hypervisors: readonly Hypervisor[],
): Promise<ReadonlyMap<string, readonly Instance[]>> {
  const hosts = hypervisors.map(({ node }) => node.host)
  if (hosts.length === 0) return new Map()
  const sort = [{ key: 'created_at', isDescending: false } as const]
  const instances = await deps.store.instances.list({ filter: { deleted: 'no', hosts }, sort })
  return Map.groupBy(instances, instance => instance.host ?? '')
}
