import { anyText, flag, ofForm, oneOfWords, type ValueRule, wholeFrom } from './values.ts'

const count = wholeFrom(1)
const amount = wholeFrom(0)
const cpuList = /^\^?\d+(-\d+|,\^?\d+)*$/
const cpus = ofForm('\\^?\\d+((-\\d+)?(,\\^?\\d+(-\\d+)?)?)*', cpuList)

const named = (prefix: string, names: string, rule: ValueRule): Record<string, ValueRule> =>
  Object.fromEntries(names.split(' ').map(name => [prefix + name, rule]))

/** The guest's hardware. */
const hw: Readonly<Record<string, ValueRule>> = {
  ...named(
    'hw:',
    'boot_menu cpu_realtime ephemeral_encryption hide_hypervisor_id locked_memory mem_encryption pmu ' +
      'vif_multiqueue_enabled virtio_packed_ring',
    flag,
  ),
  ...named('hw:', 'cpu_sockets cpu_cores cpu_threads cpu_max_sockets cpu_max_cores cpu_max_threads numa_nodes', count),
  'hw:serial_port_count': amount,
  'hw:redirected_usb_ports': wholeFrom(0, 15),
  'hw:cpu_dedicated_mask': cpus,
  'hw:cpu_realtime_mask': ofForm('(\\^)?\\d+((-\\d+)?(,\\^?\\d+(-\\d+)?)?)*', cpuList),
  'hw:cpu_policy': oneOfWords('dedicated', 'shared', 'mixed'),
  'hw:cpu_thread_policy': oneOfWords('prefer', 'isolate', 'require'),
  'hw:emulator_threads_policy': oneOfWords('isolate', 'share'),
  'hw:ephemeral_encryption_format': oneOfWords('plain', 'luks', 'luksv2'),
  'hw:mem_encryption_model': oneOfWords('amd-sev', 'amd-sev-es', 'amd-sev-snp'),
  'hw:maxphysaddr_mode': oneOfWords('passthrough', 'emulate'),
  'hw:maxphysaddr_bits': wholeFrom(32, 64),
  'hw:mem_page_size': ofForm('(large|small|any|\\d+([kKMGT]i?)?(b|bit|B)?)'),
  'hw:pci_numa_affinity_policy': oneOfWords('required', 'preferred', 'legacy', 'socket'),
  'hw:pmem': ofForm('([a-zA-Z0-9_]+(,)?)+', /^[a-zA-Z0-9_]+(,[a-zA-Z0-9_]+)*,?$/),
  'hw:sound_model': oneOfWords('sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio'),
  'hw:tpm_model': oneOfWords('tpm-tis', 'tpm-crb'),
  'hw:tpm_secret_security': oneOfWords('user', 'host', 'deployment'),
  'hw:tpm_version': oneOfWords('1.2', '2.0'),
  'hw:usb_model': oneOfWords('none', 'nec-xhci', 'qemu-xhci'),
  'hw:viommu_model': oneOfWords('intel', 'smmuv3', 'virtio', 'auto'),
  'hw:watchdog_action': oneOfWords('none', 'pause', 'poweroff', 'reset', 'disabled'),
  'hw_rng:allowed': flag,
  'hw_rng:rate_bytes': amount,
  'hw_rng:rate_period': amount,
  'hw_video:ram_max_mb': amount,
}

const shares = oneOfWords('custom', 'high', 'normal', 'low')

const quota: Readonly<Record<string, ValueRule>> = {
  'quota:cpu_period': amount,
  'quota:cpu_quota': wholeFrom(),
  'quota:cpu_shares': amount,
  ...named('quota:disk_', 'read_bytes_sec read_iops_sec write_bytes_sec write_iops_sec', amount),
  ...named('quota:disk_', 'total_bytes_sec total_iops_sec', amount),
  ...named('quota:vif_', 'inbound_average inbound_burst inbound_peak', amount),
  ...named('quota:vif_', 'outbound_average outbound_burst outbound_peak', amount),
  ...named('quota:', 'cpu_limit memory_limit disk_io_limit vif_limit', amount),
  ...named('quota:', 'cpu_reservation memory_reservation disk_io_reservation vif_reservation', wholeFrom()),
  ...named('quota:', 'cpu_shares_level memory_shares_level disk_io_shares_level vif_shares_level', shares),
  ...named('quota:', 'cpu_shares_share memory_shares_share disk_io_shares_share vif_shares_share', amount),
}

/** What the capabilities filter knows of a host. */
const capabilities = named(
  'capabilities:',
  'aggregates cell_uuid cpu_allocation_ratio current_workload disk_allocation_ratio disk_available_least disk_mb_used ' +
    'failed_builds free_disk_gb free_disk_mb free_ram_mb host host_ip hypervisor_hostname hypervisor_type ' +
    'hypervisor_version id local_gb local_gb_used mapped memory_mb memory_mb_used num_instances num_io_ops ' +
    'ram_allocation_ratio running_vms service_id total_usable_disk_gb total_usable_ram_mb updated uuid vcpus ' +
    'vcpus_total vcpus_used',
  anyText,
)

/** Extra specs by their whole names. */
export const rules: ReadonlyMap<string, ValueRule> = new Map(
  Object.entries({
    ...hw,
    ...quota,
    ...capabilities,
    'accel:device_profile': anyText,
    group_policy: oneOfWords('isolate', 'none'),
    hide_hypervisor_id: flag,
    'os:secure_boot': oneOfWords('disabled', 'required'),
    'pci_passthrough:alias': ofForm('[^:]+:\\d+(?:\\s*,\\s*[^:]+:\\d+)*'),
    'vmware:hw_version': anyText,
    'vmware:storage_policy': anyText,
  }),
)

/** Extra specs with a part that is free. */
export const patternRules: readonly (readonly [RegExp, ValueRule])[] = [
  [/^aggregate_instance_extra_specs:.+$/, anyText],
  [/^hw:numa_cpus.\d+$/, cpus],
  [/^hw:numa_mem.\d+$/, count],
  [
    /^capabilities:(cpu_info|instances|limits|metrics|nodename|numa_topology|pci_device_pools|pci_stats|stats|supported_hv_specs|supported_instances)(:\w+)*$/,
    anyText,
  ],
]

/** Whatever begins so must be known. */
export const namespaces =
  /^(accel|aggregate_instance_extra_specs|capabilities|hw|hw_rng|hw_video|os|pci_passthrough|quota|vmware|(resources|trait)([a-zA-Z0-9_-]{1,64})?)$/
