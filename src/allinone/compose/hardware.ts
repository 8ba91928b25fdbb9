import type { HardwareOptions } from '#compute'
import type { Config } from '#config'
import { deviceSpecs, InvalidHostCpus, reservedPages } from '#model'
import { evenCells, type FakeHardware, simulatedFunction } from '#virt/fake'

function nodesOf({ physnetNodes }: Config, name: string): readonly number[] {
  const nodes = physnetNodes[name]?.split(',').map(text => text.trim()) ?? []
  if (nodes.length > 0 && nodes.every(node => /^\d+$/.test(node))) return nodes.map(Number)
  const option = `[neutron_physnet_${name}] numa_nodes`
  const text = `the physnet '${name}' was listed in '[neutron] physnets' but no corresponding '${option}' option was defined.`
  throw InvalidHostCpus({ text: `Invalid NUMA network affinity configured: ${text}` })
}

/** What nova.conf lets guests have of a host by name. */
export const hardwareOptions = (config: Config): HardwareOptions => ({
  topology: {
    shared: config.compute.cpu_shared_set,
    dedicated: config.compute.cpu_dedicated_set,
    reservedPages: reservedPages(config.DEFAULT.reserved_huge_pages),
    physnets: Object.fromEntries(config.neutron.physnets.map(name => [name, nodesOf(config, name)])),
    tunnels: config.neutron_tunnel.numa_nodes.map(Number),
    packsCells: config.compute.packing_host_numa_cells_allocation_strategy,
  },
  deviceSpecs: deviceSpecs(config.pci.device_spec),
  reportsDevices: config.pci.report_in_placement,
})

/** What a simulated host pretends to have; where CPUs are named in options it has at least one NUMA cell. */
export function simulatedHardware({ simulated_host: wish, compute }: Config): FakeHardware {
  const namesCpus = compute.cpu_dedicated_set !== null || compute.cpu_shared_set !== null
  const cells = wish.numa_cells > 0 ? wish.numa_cells : namesCpus ? 1 : 0
  const { cpus, threads_per_core: threadsPerCore, memory_mb: memoryMiB } = wish
  const pages = reservedPages(wish.huge_pages)
  return {
    ...(cells === 0 ? {} : { cells: evenCells({ cells, cpus, threadsPerCore, memoryMiB, pages }) }),
    ...(wish.pci_devices.length === 0 ? {} : { pciFunctions: wish.pci_devices.map(simulatedFunction) }),
  }
}
