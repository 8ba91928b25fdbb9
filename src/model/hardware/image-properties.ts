import { isUuidLike } from '#base'
import { InvalidHardwareRequest } from './faults.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const buses = words('fdc ide sata scsi usb virtio xen lxc uml')
const architectures = words(
  'alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel mips mipsel mips64 mips64el ' +
    'openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ppcemb s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 ' +
    'xtensa xtensaeb riscv64',
)
/** Other names under which architectures are known; the letters' case does not matter either. */
const architectureAliases = words('x86 i386 i486 i586 amd64 arm64 armv8l armv7')

/** The values that Nova knows of an image property; others make the image unusable. */
const known: Readonly<Record<string, ReadonlySet<string>>> = {
  hw_cdrom_bus: buses,
  hw_disk_bus: buses,
  hw_floppy_bus: buses,
  hw_rescue_bus: buses,
  hw_cpu_policy: words('dedicated shared mixed'),
  hw_cpu_thread_policy: words('prefer isolate require'),
  hw_ephemeral_encryption_format: words('plain luks luksv2'),
  hw_firmware_type: words('uefi bios'),
  hw_input_bus: words('usb virtio'),
  hw_maxphysaddr_mode: words('passthrough emulate'),
  hw_mem_encryption_model: words('amd-sev amd-sev-es amd-sev-snp'),
  hw_pci_numa_affinity_policy: words('required legacy preferred socket'),
  hw_pointer_model: words('usbtablet'),
  hw_rescue_device: words('cdrom disk floppy fs lun'),
  hw_rng_model: words('virtio'),
  hw_scsi_model: words('buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 virtio-scsi vmpvscsi'),
  hw_sound_model: words('sb16 es1370 pcspk ac97 ich6 ich9 usb virtio'),
  hw_tpm_model: words('tpm-tis tpm-crb'),
  hw_tpm_version: words('1.2 2.0'),
  hw_usb_model: words('none nec-xhci qemu-xhci'),
  hw_video_model: words('cirrus qxl vga vmvga xen virtio gop none bochs'),
  hw_vif_model: words(
    'virtio ne2k_pci pcnet rtl8139 e1000 e1000e netfront spapr-vlan lan9118 sriov vmxnet vmxnet3 igb',
  ),
  hw_viommu_model: words('intel smmuv3 virtio auto'),
  hw_watchdog_action: words('none pause poweroff reset disabled'),
  os_secure_boot: words('required disabled optional'),
  os_type: words('linux windows'),
}

/** Nova reads the class names of an old API in these, and any case. */
const aliases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  hw_scsi_model: { virtio: 'virtio-scsi', vmwareparavirtual: 'vmpvscsi' },
  hw_vif_model: {
    virtuale1000: 'e1000',
    virtuale1000e: 'e1000e',
    virtualpcnet32: 'pcnet',
    virtualsriovethernetcard: 'sriov',
    virtualvmxnet: 'vmxnet',
    virtualvmxnet3: 'vmxnet3',
  },
}
/** Properties whose letters may be large. */
const caseless = new Set([
  'hw_scsi_model',
  'hw_vif_model',
  'os_type',
  ...['cdrom', 'disk', 'floppy', 'rescue'].map(b => `hw_${b}_bus`),
])

const numbers = [
  ...['sockets', 'cores', 'threads', 'max_sockets', 'max_cores', 'max_threads'].map(name => `hw_cpu_${name}`),
  'hw_device_id',
  'hw_maxphysaddr_bits',
  'hw_numa_nodes',
  'hw_redirected_usb_ports',
  'hw_serial_port_count',
  'hw_video_ram',
  'img_compression_level',
  'img_version',
]

/** Properties of any value: texts, lists, and flags, of which Nova reads every text as one or the other. */
const ofAnyValue = words(
  'hw_architecture hw_auto_disk_config hw_boot_menu hw_cpu_realtime_mask hw_disk_type hw_emulation_architecture ' +
    'hw_ephemeral_encryption hw_ephemeral_encryption_secret_uuid hw_ipxe_boot hw_locked_memory hw_machine_type ' +
    'hw_mem_encryption hw_mem_page_size hw_numa_cpus hw_numa_mem hw_pmu hw_qemu_guest_agent hw_time_hpet ' +
    'hw_vif_multiqueue_enabled hw_virtio_packed_ring hw_vm_mode img_bdm_v2 img_bittorrent img_block_device_mapping ' +
    'img_cache_in_nova img_config_drive img_hide_hypervisor_id img_hv_requested_version img_hv_type img_linked_clone ' +
    'img_mappings img_owner_id img_root_device_name img_signature img_signature_certificate_uuid ' +
    'img_signature_hash_method img_signature_key_type img_use_agent os_admin_user os_command_line os_distro ' +
    'os_require_quiesce os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh traits_required',
)

/** Whether Nova knows a property by this name; images may have others, which mean nothing to it. */
export const isImageProperty = (name: string): boolean =>
  known[name] !== undefined || numbers.includes(name) || ofAnyValue.has(name)

const refuse = (error: string) => InvalidHardwareRequest({ text: `Invalid image metadata. Error: ${error}` })

function mustBeKnown(name: string, value: string): void {
  const values = known[name]
  if (values === undefined) return
  const plain = caseless.has(name) ? value.toLowerCase() : value
  if (values.has(aliases[name]?.[plain] ?? plain)) return
  throw refuse(`Field value ${value} is invalid`)
}

function mustBeArchitecture(value: string | undefined): void {
  if (value === undefined) return
  const name = value.toLowerCase()
  if (!architectures.has(name) && !architectureAliases.has(name))
    throw refuse(`Architecture name '${value}' is not valid`)
}

/** Refuses an image whose properties mean nothing; properties that Nova does not know are the user's own affair. */
export function checkImageProperties(properties: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(properties)) mustBeKnown(name, value)
  for (const name of numbers) {
    const value = properties[name]
    if (value !== undefined && !/^\s*[+-]?\d+\s*$/.test(value))
      throw refuse(`invalid literal for int() with base 10: '${value}'`)
  }
  const secretId = properties['hw_ephemeral_encryption_secret_uuid']
  if (secretId !== undefined && !isUuidLike(secretId)) throw refuse(`Badly formed UUID: ${secretId}`)
  mustBeArchitecture(properties['hw_architecture'])
  mustBeArchitecture(properties['hw_emulation_architecture'])
}
