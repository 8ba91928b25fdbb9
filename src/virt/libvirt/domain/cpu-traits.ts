import type { GuestSpec } from '../../guest-spec.ts'

const prefix = 'HW_CPU_X86_'

/** libvirt's name of a processor feature, and the traits without their prefix. */
const traitsByFeature: Readonly<Record<string, readonly string[]>> = {
  '3dnow': ['3DNOW'],
  abm: ['ABM'],
  aes: ['AESNI'],
  'amd-no-ssb': ['AMD_NO_SSB'],
  'amd-ssbd': ['AMD_SSBD'],
  'arch-capabilities': ['INTEL_ARCH_CAPABILITIES'],
  avx: ['AVX'],
  avx2: ['AVX2'],
  'avx512-vpopcntdq': ['AVX512VPOPCNTDQ'],
  avx512bitalg: ['AVX512BITALG'],
  avx512bw: ['AVX512BW'],
  avx512cd: ['AVX512CD'],
  avx512dq: ['AVX512DQ'],
  avx512er: ['AVX512ER'],
  avx512f: ['AVX512F'],
  avx512ifma: ['AVX512IFMA'],
  avx512pf: ['AVX512PF'],
  avx512vbmi: ['AVX512VBMI'],
  avx512vbmi2: ['AVX512VBMI2'],
  avx512vl: ['AVX512VL'],
  avx512vnni: ['AVX512VNNI'],
  bmi1: ['BMI'],
  bmi2: ['BMI2'],
  f16c: ['F16C'],
  fma: ['FMA3'],
  fma4: ['FMA4'],
  gfni: ['AVX512GFNI'],
  ibpb: ['AMD_IBPB'],
  'md-clear': ['INTEL_MD_CLEAR'],
  mmx: ['MMX'],
  mpx: ['MPX'],
  pcid: ['INTEL_PCID'],
  pclmuldq: ['CLMUL'],
  pdpe1gb: ['PDPE1GB'],
  pni: ['SSE3'],
  rtm: ['TSX'],
  'sha-ni': ['SHA'],
  'spec-ctrl': ['INTEL_SPEC_CTRL'],
  ssbd: ['INTEL_SSBD'],
  sse: ['SSE'],
  sse2: ['SSE2'],
  sse3: ['SSE3'],
  'sse4.1': ['SSE41'],
  'sse4.2': ['SSE42'],
  sse4a: ['SSE4A'],
  ssse3: ['SSSE3'],
  stibp: ['STIBP'],
  svm: ['SVM', 'AMD_SVM'],
  tbm: ['TBM'],
  vaes: ['AVX512VAES'],
  'virt-ssbd': ['AMD_VIRT_SSBD'],
  vmx: ['VMX', 'INTEL_VMX'],
  vpclmulqdq: ['AVX512VPCLMULQDQ'],
  xop: ['XOP'],
}

export const traitsOfFeatures = (features: readonly string[]): readonly string[] =>
  features.flatMap(feature => (traitsByFeature[feature] ?? []).map(name => prefix + name))

/** The features that stand behind a trait; one of them is enough. */
const featuresOfTrait = (trait: string): readonly string[] =>
  Object.entries(traitsByFeature).flatMap(([feature, names]) =>
    names.includes(trait.slice(prefix.length)) ? [feature] : [],
  )

/** For each processor trait that flavor or image require, the features of which the guest must have one. */
export function requiredFeatures(spec: GuestSpec): readonly (readonly string[])[] {
  const asked = Object.entries({ ...spec.image.properties, ...spec.flavor.extraSpecs })
  return asked.flatMap(([key, value]) => {
    const trait = /^trait[^:]*:(HW_CPU_X86_.+)$/.exec(key)?.[1]
    const features = trait === undefined || value !== 'required' ? [] : featuresOfTrait(trait)
    return features.length === 0 ? [] : [features]
  })
}

export const hasAll = (features: readonly string[], required: readonly (readonly string[])[]): boolean =>
  required.every(alternatives => alternatives.some(feature => features.includes(feature)))
