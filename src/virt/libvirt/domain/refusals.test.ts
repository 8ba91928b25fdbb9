import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cpuLimits } from '../guest/domain-facts.ts'
import type { DomainHost } from './host.ts'
import { mustSuit } from './refusals.ts'
import { type SampleOptions, sampleHost, sampleSpec } from './sample-spec.ts'
import { configured } from './shows.test-kit.ts'

const refuses = (code: string, message: RegExp, options: SampleOptions, host: Partial<DomainHost> = {}) =>
  assert.throws(() => mustSuit(sampleSpec(options), sampleHost(host)), { code, message })

const suits = (options: SampleOptions, host: Partial<DomainHost> = {}) =>
  mustSuit(sampleSpec(options), sampleHost(host))

describe('what a host cannot give', () => {
  test('machines and architectures', () => {
    suits({})
    refuses('InvalidMachineType', /Machine type 'pc-q35-99'/, { properties: { hw_machine_type: 'pc-q35-99' } })
    refuses('InvalidArchitectureName', /riscv64/, { properties: { hw_emulation_architecture: 'riscv64' } })
    suits({ properties: { hw_emulation_architecture: 'aarch64' } })
  })

  test('firmware', () => {
    const properties = { hw_firmware_type: 'uefi' }
    suits({ properties })
    refuses('UEFINotSupported', /UEFI is not supported/, { properties }, { loaders: [] })
    const secure = { properties, extraSpecs: { 'os:secure_boot': 'required' } }
    refuses('SecureBootNotSupported', /Secure Boot is not supported by host/, secure)
    suits({ ...secure, properties: { ...properties, hw_machine_type: 'q35' } })
  })

  test('processors', () => {
    const models = { ...configured({ cpuModels: ['Nehalem'] }), cpu: { mode: 'custom', model: 'Nehalem' } } as const
    refuses(
      'InvalidCPUInfo',
      /No CPU model match traits/,
      { extraSpecs: { 'trait:HW_CPU_X86_AVX2': 'required' } },
      models,
    )
    refuses('ImageVCPULimitsRangeImpossible', /1:1:65536 are impossible to satisfy for vcpus count 4|1:1:1 are/, {
      vcpus: 4,
      properties: { hw_cpu_max_sockets: '1', hw_cpu_max_cores: '1', hw_cpu_max_threads: '1' },
    })
    const shares = { extraSpecs: { 'quota:cpu_shares': '10' } }
    suits(shares)
    refuses('UnsupportedHostCPUControlPolicy', /not supported by host/, shares, { canLimitCpu: false })
    const many = (count: number) => ({ extraSpecs: { 'quota:cpu_shares': `${count}` } })
    suits(many(20_000), cpuLimits(1))
    suits(many(10_000), cpuLimits(2))
    refuses(
      'UnsupportedHostCPUControlPolicy',
      /is 10001, and this host .* knows 1 to 10000/,
      many(10_001),
      cpuLimits(2),
    )
    suits({ extraSpecs: { 'quota:cpu_period': '20000' } }, cpuLimits(2))
    refuses('UnsupportedAddressSpace', /KVM/, { extraSpecs: { 'hw:maxphysaddr_mode': 'emulate' } })
  })

  test('devices', () => {
    refuses('RequestedVRamTooHigh', /video memory 16 is higher/, { properties: { hw_video_ram: '16' } })
    refuses('InvalidVideoMode', /\(xen\) is not supported/, { properties: { hw_video_model: 'xen' } })
    refuses('SerialPortNumberLimitExceeded', /exceeds 4/, { properties: { hw_serial_port_count: '5' } })
    refuses('InvalidWatchdogAction', /bite/, { properties: { hw_watchdog_action: 'bite' } })
    refuses('UnsupportedHardware', /'netfront' is not supported/, { properties: { hw_vif_model: 'netfront' } })
    refuses('InvalidVIOMMUMachineType', /vIOMMU/, { properties: { hw_viommu_model: 'intel' } })
    refuses('UnsupportedSoundModel', /virtio/, { extraSpecs: { 'hw:sound_model': 'virtio' } })
    refuses('UnsupportedUsb', /USB controller is disabled/, {
      properties: { hw_disk_bus: 'usb' },
      extraSpecs: { 'hw:usb_model': 'none' },
    })
  })

  test('a TPM without a secret, or where none is offered; encrypted memory', () => {
    const wish = { extraSpecs: { 'hw:tpm_version': '2.0' } }
    refuses('VtpmNotSupported', /not offered/, wish)
    refuses('VtpmNotSupported', /no secret/, wish, configured({ hasTpm: true }))
    refuses('MissingDomainCapabilityFeatureException', /sev/, { extraSpecs: { 'hw:mem_encryption': 'true' } })
  })
})
