import type { VirtDriver } from '../../driver.ts'
import { type CpuMode, canBoot, type DomainHost, soundModels, traitsOfFeatures, vifModels } from '../domain/index.ts'
import type { HostCapabilities } from './host-capabilities.ts'

/** What traits are made from: what libvirt and its programs can do, and what nova.conf lets guests have. */
export type TraitFacts = Pick<
  HostCapabilities,
  'architecture' | 'diskBuses' | 'videoModels' | 'canEmulateTpm' | 'libvirtVersion' | 'cpu' | 'sev'
> &
  Pick<DomainHost, 'emulators' | 'loaders' | 'settings' | 'virtType'> & {
    readonly cpuMode: CpuMode
    readonly offeredFeatures: readonly string[]
    /** Of images that root disks are made from. */
    readonly imageFormats: readonly string[]
  }

/** Parts of the driver that make a trait true. */
export type TraitFacets = Pick<VirtDriver, 'hotplug' | 'volumes' | 'rescue' | 'shares'>

type Claim = readonly [trait: string, isTrue: boolean]

/** From this on libvirt can be told that a UEFI keeps no variables. */
const knowsStateless = 8_006_000
/** From this on a guest's physical addresses can be limited. */
const knowsAddressBits = 8_007_000
/** From this on libvirt offers the virtio IOMMU. */
const knowsVirtioIommu = 8_003_000

const knownBuses = ['fdc', 'ide', 'sata', 'scsi', 'usb', 'virtio']
const knownVideos = ['bochs', 'cirrus', 'none', 'qxl', 'vga', 'virtio', 'vmvga']
const emulatedArchitectures = ['aarch64', 'mipsel', 'ppc64le', 'riscv64', 's390x', 'x86_64']

const upper = (name: string): string => name.toUpperCase().replaceAll('-', '_')

const named = (prefix: string, names: readonly string[], has: (name: string) => boolean): readonly Claim[] =>
  names.map(name => [`${prefix}_${upper(name)}`, has(name)] as const)

const security = (host: TraitFacts): readonly Claim[] => {
  const hasTpm = host.settings.hasTpm && host.canEmulateTpm
  return [
    ['COMPUTE_FIRMWARE_BIOS', host.architecture === 'x86_64'],
    ['COMPUTE_FIRMWARE_UEFI', canBoot(host)],
    ['COMPUTE_SECURITY_UEFI_SECURE_BOOT', canBoot(host, 'secure-boot')],
    ['COMPUTE_EPHEMERAL_ENCRYPTION', true],
    ['COMPUTE_EPHEMERAL_ENCRYPTION_LUKS', true],
    ['HW_CPU_X86_AMD_SEV', host.sev !== undefined],
    ['HW_CPU_X86_AMD_SEV_ES', (host.sev?.mostEsGuests ?? 0) > 0],
    ['COMPUTE_SECURITY_STATELESS_FIRMWARE', canBoot(host) && host.libvirtVersion >= knowsStateless],
    ...named('COMPUTE_SECURITY_TPM', ['1_2', '2_0', 'tis', 'crb'], () => hasTpm),
    ...named('COMPUTE_SECURITY_TPM_SECRET_SECURITY', host.settings.tpmSecretSecurity, () => hasTpm),
  ]
}

const addressSpace = (host: TraitFacts): readonly Claim[] => {
  const canLimit = host.virtType === 'kvm' && host.libvirtVersion >= knowsAddressBits
  return [
    ['COMPUTE_ADDRESS_SPACE_PASSTHROUGH', canLimit && host.cpuMode.mode === 'host-passthrough'],
    ['COMPUTE_ADDRESS_SPACE_EMULATED', canLimit],
  ]
}

const attaching = (host: TraitFacts, facets: TraitFacets): readonly Claim[] => [
  ['COMPUTE_NET_ATTACH_INTERFACE', facets.hotplug !== undefined],
  ['COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG', facets.hotplug !== undefined],
  ['COMPUTE_VOLUME_ATTACH_WITH_TAG', facets.volumes !== undefined],
  ['COMPUTE_VOLUME_EXTEND', facets.volumes !== undefined],
  ['COMPUTE_VOLUME_MULTI_ATTACH', facets.volumes !== undefined],
  ['COMPUTE_RESCUE_BFV', facets.rescue !== undefined && facets.volumes !== undefined],
  ['COMPUTE_STORAGE_VIRTIO_FS', facets.shares !== undefined],
  // A guest with shares has its memory in a file whatever nova.conf says.
  ['COMPUTE_MEM_BACKING_FILE', host.settings.isMemoryFileBacked || facets.shares !== undefined],
]

const devices = (host: TraitFacts): readonly Claim[] => [
  ...named('COMPUTE_STORAGE_BUS', knownBuses, bus => host.diskBuses.includes(bus)),
  ...named('COMPUTE_GRAPHICS_MODEL', knownVideos, model => host.videoModels.includes(model)),
  ...named('COMPUTE_NET_VIF_MODEL', vifModels, () => true),
  ['COMPUTE_NET_VIRTIO_PACKED', true],
  ...named('COMPUTE_SOUND_MODEL', soundModels(host), () => true),
  ...named('COMPUTE_USB_MODEL', ['nec-xhci', 'qemu-xhci'], () => true),
  ['COMPUTE_VIOMMU_MODEL_AUTO', true],
  ['COMPUTE_VIOMMU_MODEL_INTEL', 'x86_64' in host.emulators],
  ['COMPUTE_VIOMMU_MODEL_SMMUV3', 'aarch64' in host.emulators],
  ['COMPUTE_VIOMMU_MODEL_VIRTIO', host.libvirtVersion >= knowsVirtioIommu],
]

/** What this host and this driver can really do; a capability gets its trait in the change that implements it. */
export function hostTraits(host: TraitFacts, facets: TraitFacets): readonly string[] {
  const claims: readonly Claim[] = [
    ['COMPUTE_NODE', true],
    ['COMPUTE_DEVICE_TAGGING', true],
    ['COMPUTE_TRUSTED_CERTS', true],
    ['COMPUTE_SOCKET_PCI_NUMA_AFFINITY', true],
    ...named('COMPUTE_IMAGE_TYPE', host.imageFormats, () => true),
    // Kernels and first file systems of other images.
    ...named('COMPUTE_IMAGE_TYPE', ['aki', 'ari'], () => true),
    ...attaching(host, facets),
    ...security(host),
    ...addressSpace(host),
    ...devices(host),
    ...named('COMPUTE_ARCH', emulatedArchitectures, name => name in host.emulators),
    [`HW_ARCH_${upper(host.architecture)}`, true],
    ['HW_CPU_HYPERTHREADING', host.cpu.topology.threads > 1],
    ...traitsOfFeatures(host.offeredFeatures).map(trait => [trait, true] as const),
  ]
  return [...new Set(claims.flatMap(([trait, isTrue]) => (isTrue ? [trait] : [])))].sort()
}
