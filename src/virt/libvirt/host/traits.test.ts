import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sampleHost } from '../domain/sample-spec.ts'
import { type DomainSettings, defaultSettings } from '../domain/settings.ts'
import { hostTraits, type TraitFacets, type TraitFacts } from './traits.ts'

const facts = (changes: Partial<TraitFacts> = {}): TraitFacts => ({
  ...sampleHost(),
  architecture: 'x86_64',
  diskBuses: ['ide', 'virtio'],
  videoModels: ['vga', 'none'],
  canEmulateTpm: true,
  libvirtVersion: 9_000_000,
  cpu: {
    arch: 'x86_64',
    model: 'EPYC',
    vendor: 'AMD',
    topology: { cells: 1, sockets: 1, cores: 2, threads: 1 },
    features: [],
  },
  cpuMode: { mode: 'none' },
  offeredFeatures: ['avx', 'svm'],
  imageFormats: ['raw', 'qcow2'],
  ...changes,
})

const configured = (settings: Partial<DomainSettings>): Pick<TraitFacts, 'settings'> => ({
  settings: { ...defaultSettings, ...settings },
})

const has = (traits: readonly string[], ...names: string[]) => names.map(name => traits.includes(name))
const of = (changes: Partial<TraitFacts> = {}, facets: TraitFacets = {}) => hostTraits(facts(changes), facets)

describe('traits say what is there', () => {
  test('buses, models, formats, processor', () => {
    const traits = of()
    assert.deepEqual(
      traits.filter(trait => /STORAGE_BUS|GRAPHICS|IMAGE_TYPE|HW_CPU|COMPUTE_ARCH/.test(trait)),
      [
        'COMPUTE_ARCH_AARCH64',
        'COMPUTE_ARCH_X86_64',
        'COMPUTE_GRAPHICS_MODEL_NONE',
        'COMPUTE_GRAPHICS_MODEL_VGA',
        'COMPUTE_IMAGE_TYPE_AKI',
        'COMPUTE_IMAGE_TYPE_ARI',
        'COMPUTE_IMAGE_TYPE_QCOW2',
        'COMPUTE_IMAGE_TYPE_RAW',
        'COMPUTE_STORAGE_BUS_IDE',
        'COMPUTE_STORAGE_BUS_VIRTIO',
        'HW_CPU_X86_AMD_SVM',
        'HW_CPU_X86_AVX',
        'HW_CPU_X86_SVM',
      ],
    )
    assert.deepEqual([...traits].sort(), [...new Set(traits)])
  })

  test('a TPM only where nova.conf and the programs offer it', () => {
    const tpm = ['COMPUTE_SECURITY_TPM_2_0', 'COMPUTE_SECURITY_TPM_CRB', 'COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER']
    assert.deepEqual(has(of(), ...tpm), [false, false, false])
    assert.deepEqual(has(of(configured({ hasTpm: true })), ...tpm), [true, true, true])
    assert.deepEqual(has(of({ ...configured({ hasTpm: true }), canEmulateTpm: false }), ...tpm), [false, false, false])
    const kept = configured({ hasTpm: true, tpmSecretSecurity: ['deployment'] })
    assert.deepEqual(has(of(kept), ...tpm), [true, true, false])
  })

  test('firmware by the builds that are installed', () => {
    const names = ['COMPUTE_FIRMWARE_UEFI', 'COMPUTE_SECURITY_UEFI_SECURE_BOOT', 'COMPUTE_FIRMWARE_BIOS']
    assert.deepEqual(has(of(), ...names), [true, true, true])
    assert.deepEqual(has(of({ loaders: [] }), ...names), [false, false, true])
  })

  test('what the driver has no part for is not there', () => {
    const names = ['COMPUTE_VOLUME_EXTEND', 'COMPUTE_RESCUE_BFV', 'COMPUTE_NET_ATTACH_INTERFACE']
    assert.deepEqual(has(of(), ...names), [false, false, false])
    const part = {} as never
    assert.deepEqual(has(of({}, { volumes: part, rescue: part, hotplug: part }), ...names), [true, true, true])
  })

  test('sizes of physical addresses only with KVM', () => {
    const names = ['COMPUTE_ADDRESS_SPACE_EMULATED', 'COMPUTE_ADDRESS_SPACE_PASSTHROUGH']
    assert.deepEqual(has(of(), ...names), [false, false])
    assert.deepEqual(has(of({ virtType: 'kvm', cpuMode: { mode: 'host-model' } }), ...names), [true, false])
    assert.deepEqual(has(of({ virtType: 'kvm', cpuMode: { mode: 'host-passthrough' } }), ...names), [true, true])
  })
})
