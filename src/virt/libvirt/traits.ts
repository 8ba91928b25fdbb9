import type { HostCapabilities } from './host-capabilities.ts'

/** libvirt's name of a processor feature, and the trait without its prefix. */
const featureTraits: Readonly<Record<string, string>> = {
  '3dnow': '3DNOW',
  abm: 'ABM',
  aes: 'AESNI',
  'amd-no-ssb': 'AMD_NO_SSB',
  'amd-ssbd': 'AMD_SSBD',
  avx: 'AVX',
  avx2: 'AVX2',
  'avx512-vpopcntdq': 'AVX512VPOPCNTDQ',
  avx512bitalg: 'AVX512BITALG',
  avx512bw: 'AVX512BW',
  avx512cd: 'AVX512CD',
  avx512dq: 'AVX512DQ',
  avx512er: 'AVX512ER',
  avx512f: 'AVX512F',
  avx512ifma: 'AVX512IFMA',
  avx512pf: 'AVX512PF',
  avx512vbmi: 'AVX512VBMI',
  avx512vbmi2: 'AVX512VBMI2',
  avx512vl: 'AVX512VL',
  avx512vnni: 'AVX512VNNI',
  bmi1: 'BMI',
  bmi2: 'BMI2',
  f16c: 'F16C',
  fma: 'FMA3',
  fma4: 'FMA4',
  gfni: 'AVX512GFNI',
  ibpb: 'AMD_IBPB',
  'md-clear': 'INTEL_MD_CLEAR',
  mmx: 'MMX',
  mpx: 'MPX',
  pcid: 'INTEL_PCID',
  pclmuldq: 'CLMUL',
  pdpe1gb: 'PDPE1GB',
  rtm: 'TSX',
  'sha-ni': 'SHA',
  'spec-ctrl': 'INTEL_SPEC_CTRL',
  ssbd: 'INTEL_SSBD',
  sse: 'SSE',
  sse2: 'SSE2',
  'sse4.1': 'SSE41',
  'sse4.2': 'SSE42',
  sse4a: 'SSE4A',
  pni: 'SSE3',
  ssse3: 'SSSE3',
  stibp: 'STIBP',
  svm: 'SVM',
  tbm: 'TBM',
  vaes: 'AVX512VAES',
  'virt-ssbd': 'AMD_VIRT_SSBD',
  vmx: 'VMX',
  vpclmulqdq: 'AVX512VPCLMULQDQ',
  xop: 'XOP',
}

/** What this driver can really do; a capability gets its trait in the change that implements it. */
const driverTraits = [
  'COMPUTE_ARCH_X86_64',
  'COMPUTE_FIRMWARE_BIOS',
  'COMPUTE_NODE',
  'COMPUTE_IMAGE_TYPE_ISO',
  'COMPUTE_IMAGE_TYPE_QCOW2',
  'COMPUTE_IMAGE_TYPE_RAW',
  'COMPUTE_NET_ATTACH_INTERFACE',
  'COMPUTE_VOLUME_ATTACH_WITH_TAG',
  'COMPUTE_VOLUME_EXTEND',
  'COMPUTE_VOLUME_MULTI_ATTACH',
  'COMPUTE_DEVICE_TAGGING',
  'COMPUTE_NET_VIF_MODEL_E1000',
  'COMPUTE_NET_VIF_MODEL_E1000E',
  'COMPUTE_NET_VIF_MODEL_NE2K_PCI',
  'COMPUTE_NET_VIF_MODEL_PCNET',
  'COMPUTE_NET_VIF_MODEL_RTL8139',
  'COMPUTE_NET_VIF_MODEL_VIRTIO',
  'COMPUTE_NET_VIF_MODEL_VMXNET3',
] as const

const busTraits = ['ide', 'sata', 'scsi', 'usb', 'virtio']
const videoTraits = ['bochs', 'cirrus', 'none', 'qxl', 'vga', 'virtio', 'vmvga']

export function hostTraits(host: HostCapabilities): readonly string[] {
  const features = host.guestCpuFeatures.flatMap(name => featureTraits[name] ?? [])
  const traits = [
    ...driverTraits,
    ...busTraits.filter(bus => host.diskBuses.includes(bus)).map(bus => `COMPUTE_STORAGE_BUS_${bus.toUpperCase()}`),
    ...videoTraits
      .filter(model => host.videoModels.includes(model))
      .map(model => `COMPUTE_GRAPHICS_MODEL_${model.toUpperCase()}`),
    ...(host.architecture === 'x86_64' ? ['HW_ARCH_X86_64'] : []),
    ...features.map(feature => `HW_CPU_X86_${feature}`),
  ]
  return [...new Set(traits)].sort()
}
