import type { Instance } from '#model'
import type { ComputeNode, HostUsage, Service } from '#store'
import { firstOf, gathered } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'

/** A compute node with the service that runs it, and what its cell has. */
export interface Hypervisor {
  readonly deps: ApiDeps
  readonly node: ComputeNode
  readonly service: Service
}

async function hypervisorsIn(deps: ApiDeps): Promise<readonly Hypervisor[]> {
  const services = await deps.store.services.list({ binary: 'nova-compute' })
  const byHost = new Map(services.map(service => [service.host, service]))
  return (await deps.store.computeNodes.list()).flatMap(node => {
    const service = byHost.get(node.host)
    return service === undefined ? [] : [{ deps, node, service }]
  })
}

/** Of all cells. Nodes whose service is gone are litter of an operator and are not shown. */
export const listHypervisors = async (deps: ApiDeps): Promise<readonly Hypervisor[]> =>
  (await gathered(deps, hypervisorsIn)).flat()

/** One node of this cell, unless its service is gone. */
export async function hypervisorIn(
  deps: ApiDeps,
  by: { uuid: string } | { number: number } | { host: string },
): Promise<Hypervisor | undefined> {
  const node = await deps.store.computeNodes.find(by)
  const service = node === undefined ? undefined : await deps.store.services.find(node.host, 'nova-compute')
  return node === undefined || service === undefined ? undefined : { deps, node, service }
}

/** One node, in whichever cell. A number that is one of several cells' is the first's, as in Nova. */
export const findHypervisor = async (
  deps: ApiDeps,
  by: { uuid: string } | { number: number },
): Promise<Hypervisor | undefined> => (await firstOf(deps, own => hypervisorIn(own, by)))?.value

export interface Load {
  readonly usage: ReadonlyMap<string, HostUsage>
  readonly workload: ReadonlyMap<string, number>
}

/** Of this cell's hosts. */
export const loadIn = async (deps: ApiDeps): Promise<Load> => ({
  usage: await deps.store.mayLag('reports').computeNodes.usage(),
  workload: await deps.store.mayLag('reports').computeNodes.workload(),
})

export async function loadOf(deps: ApiDeps): Promise<Load> {
  const [first = { usage: new Map(), workload: new Map() }, ...others] = await gathered(deps, loadIn)
  if (others.length === 0) return first
  const all = [first, ...others]
  return {
    usage: new Map(all.flatMap(({ usage }) => [...usage])),
    workload: new Map(all.flatMap(({ workload }) => [...workload])),
  }
}

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

/** Living servers by host, in one statement for each cell. */
export async function serversOn(hypervisors: readonly Hypervisor[]): Promise<ReadonlyMap<string, readonly Instance[]>> {
  const sort = [{ key: 'created_at', isDescending: false } as const]
  const found: Instance[] = []
  for (const [{ store }, own] of Map.groupBy(hypervisors, ({ deps }) => deps)) {
    const hosts = own.map(({ node }) => node.host)
    found.push(...(await store.instances.list({ filter: { deleted: 'no', hosts }, sort })))
  }
  return Map.groupBy(found, instance => instance.host ?? '')
}
