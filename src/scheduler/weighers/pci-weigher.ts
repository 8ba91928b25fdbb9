import type { HostWeigher } from './weigher.ts'

/** Nova's bound: hosts with more free devices than this are alike. */
const mostDevices = 100

/** Prefers hosts with fewer free PCI devices, so that those with devices stay free for who needs them. */
export const pciWeigher: HostWeigher = {
  name: 'PCIWeigher',
  multiplierName: 'pci_weight_multiplier',
  multiplier: options => options.filter_scheduler.pci_weight_multiplier,
  prepare: () => host => mostDevices - Math.min(host.freePciDevices ?? 0, mostDevices - 1),
}
