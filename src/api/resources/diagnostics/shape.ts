import { anything, int, list, obj, str, strictBool } from '#api/kit'
import type { Instance } from '#model'
import type { Diagnostics } from '#virt'

const count = int.nullable()

const cpu = obj({ id: count, time: count, utilisation: count })
const nic = obj({
  mac_address: str.nullable(),
  rx_octets: count,
  rx_errors: count,
  rx_drop: count,
  rx_packets: count,
  rx_rate: count,
  tx_octets: count,
  tx_errors: count,
  tx_drop: count,
  tx_packets: count,
  tx_rate: count,
})
const disk = obj({
  read_bytes: count,
  read_requests: count,
  write_bytes: count,
  write_requests: count,
  errors_count: count,
})

/** Below 2.48: the counters of the hypervisor by the names of its devices. */
export const diagnosticsShape = anything.from(
  '2.48',
  obj({
    state: str,
    driver: str,
    hypervisor: str.nullable(),
    hypervisor_os: str.nullable(),
    uptime: count,
    config_drive: strictBool,
    num_cpus: count,
    num_nics: count,
    num_disks: count,
    cpu_details: list(cpu),
    nic_details: list(nic),
    disk_details: list(disk),
    memory_details: obj({ maximum: count, used: count }),
  }),
)

/** The same for every hypervisor. */
export const normalView = (instance: Instance, found: Diagnostics) => ({
  state: found.state,
  driver: found.driver,
  hypervisor: found.hypervisor,
  hypervisor_os: found.hypervisorOs,
  uptime: found.uptimeSeconds,
  config_drive: instance.hasConfigDrive,
  num_cpus: found.cpus.length,
  num_nics: found.nics.length,
  num_disks: found.disks.length,
  cpu_details: found.cpus.map(cpu => ({ id: cpu.id, time: cpu.timeNs, utilisation: cpu.utilisation })),
  nic_details: found.nics.map(nic => ({
    mac_address: nic.mac,
    rx_octets: nic.rxOctets,
    rx_errors: nic.rxErrors,
    rx_drop: nic.rxDrop,
    rx_packets: nic.rxPackets,
    rx_rate: null,
    tx_octets: nic.txOctets,
    tx_errors: nic.txErrors,
    tx_drop: nic.txDrop,
    tx_packets: nic.txPackets,
    tx_rate: null,
  })),
  disk_details: found.disks.map(disk => ({
    read_bytes: disk.readBytes,
    read_requests: disk.readRequests,
    write_bytes: disk.writeBytes,
    write_requests: disk.writeRequests,
    errors_count: disk.errors,
  })),
  memory_details: { maximum: found.memory.maximumMiB, used: found.memory.usedMiB },
})

/** `vda`, `vdb`, …: disks are told in the order in which the guest has them. */
const diskName = (index: number): string => `vd${String.fromCharCode('a'.charCodeAt(0) + index)}`

/** As libvirt's driver names them; memory in KiB. */
export function deviceView(instance: Instance, found: Diagnostics): Record<string, number> {
  const view: Record<string, number> = {}
  for (const cpu of found.cpus) view[`cpu${cpu.id}_time`] = cpu.timeNs
  for (const [index, disk] of found.disks.entries()) {
    const name = disk.device || diskName(index)
    view[`${name}_read_req`] = disk.readRequests
    view[`${name}_read`] = disk.readBytes
    view[`${name}_write_req`] = disk.writeRequests
    view[`${name}_write`] = disk.writeBytes
    view[`${name}_errors`] = disk.errors
  }
  for (const [index, nic] of found.nics.entries()) {
    const name = instance.networkInfo.find(vif => vif.mac === nic.mac)?.devName ?? `vnet${index}`
    view[`${name}_rx`] = nic.rxOctets
    view[`${name}_rx_packets`] = nic.rxPackets
    view[`${name}_rx_errors`] = nic.rxErrors
    view[`${name}_rx_drop`] = nic.rxDrop
    view[`${name}_tx`] = nic.txOctets
    view[`${name}_tx_packets`] = nic.txPackets
    view[`${name}_tx_errors`] = nic.txErrors
    view[`${name}_tx_drop`] = nic.txDrop
  }
  view['memory'] = found.memory.maximumMiB * 1024
  for (const [name, value] of Object.entries(found.memory.balloon ?? {})) view[`memory-${name}`] = value
  return view
}
