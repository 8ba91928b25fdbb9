import { bool, int, list, multi } from '../option.ts'

export const pciSection = {
  device_spec: multi([], 'PCI devices that guests may have, one JSON object each.', {
    deprecated: ['pci.passthrough_whitelist', 'DEFAULT.pci_passthrough_whitelist'],
  }),
  alias: multi([], 'Names by which flavors ask for PCI devices, one JSON object each.', {
    deprecated: ['DEFAULT.pci_alias'],
  }),
  report_in_placement: bool(false, 'PCI devices are inventory in placement.'),
} as const

export const neutronTunnelSection = {
  numa_nodes: list([], 'NUMA nodes near the card of tunnelled networks.'),
} as const

/** Not of Nova: what hosts without a hypervisor pretend to be. */
export const simulatedHostSection = {
  cpus: int(64, 'CPUs of a simulated host.', { min: 1 }),
  memory_mb: int(262_144, 'Memory of a simulated host.', { min: 1 }),
  disk_gb: int(4096, 'Disk of a simulated host.', { min: 1 }),
  numa_cells: int(0, 'NUMA cells over which CPUs and memory are spread; 0: it tells of none.', { min: 0 }),
  threads_per_core: int(1, 'Threads of each core.', { min: 1 }),
  huge_pages: multi([], 'Huge pages, as node:0,size:2048,count:512.'),
  pci_devices: multi([], 'PCI devices: JSON with address, vendor_id, product_id, type, numa_node, parent.'),
} as const
