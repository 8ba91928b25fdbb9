import { instanceId } from '#base'
import type { GuestDisk, GuestImage, GuestSpec } from '../../guest-spec.ts'
import { defaultDiskOptions } from './disk-options.ts'
import type { DomainHost } from './host.ts'
import type { Loader } from './loader.ts'
import { defaultSettings } from './settings.ts'

/** For tests of the families: a plain guest, changed by image properties, extra specs, and anything else. */
export interface SampleOptions {
  readonly properties?: Readonly<Record<string, string>>
  readonly extraSpecs?: Readonly<Record<string, string>>
  readonly vcpus?: number
  readonly ephemeralGiB?: number
  readonly swapMiB?: number
  readonly image?: Partial<GuestImage>
  readonly spec?: Partial<GuestSpec>
}

/** A disk of the plain guest; anything may be changed. */
export const sampleDisk = (overrides: Partial<GuestDisk> & Pick<GuestDisk, 'id'>): GuestDisk => ({
  kind: 'image',
  deviceName: '/dev/vda',
  bus: null,
  deviceType: 'disk',
  bootIndex: null,
  size: 1,
  format: null,
  tag: null,
  volume: null,
  ...overrides,
})

const sampleDisks = ({ ephemeralGiB = 0, swapMiB = 0 }: SampleOptions): readonly GuestDisk[] => [
  sampleDisk({ id: 'root', bootIndex: 0 }),
  ...(ephemeralGiB > 0
    ? [sampleDisk({ id: 'eph0', kind: 'ephemeral', deviceName: '/dev/vdb', size: ephemeralGiB })]
    : []),
  ...(swapMiB > 0
    ? [sampleDisk({ id: 'swap', kind: 'swap', deviceName: ephemeralGiB > 0 ? '/dev/vdc' : '/dev/vdb', size: swapMiB })]
    : []),
]

export function sampleSpec(options: SampleOptions = {}): GuestSpec {
  return {
    id: instanceId('5e8d5c1a-0000-4000-8000-00000000beef'),
    name: 'instance-0000002a',
    displayName: 'web 1',
    projectId: 'b5f1c0a3a8f04a0d8f3a1f0f9c8d7e6f',
    projectName: 'demo',
    userId: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    userName: 'alice',
    createdAtMs: Date.parse('2026-01-02T03:04:05Z'),
    flavor: {
      id: '1',
      name: 'm1.tiny',
      vcpus: options.vcpus ?? 1,
      memoryMiB: 64,
      rootGiB: 1,
      ephemeralGiB: options.ephemeralGiB ?? 0,
      swapMiB: options.swapMiB ?? 0,
      extraSpecs: options.extraSpecs ?? {},
    },
    image: {
      id: '70a599e0-31e7-49b7-b260-868f441e862b',
      name: 'cirros',
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      sizeBytes: 13_000_000,
      checksum: null,
      hashAlgorithm: null,
      hashValue: null,
      minDiskGiB: 1,
      minRamMiB: 64,
      properties: options.properties ?? {},
      ...options.image,
    },
    disks: sampleDisks(options),
    vifs: [
      {
        portId: 'ce531f90-1234-4000-8000-0000000000aa',
        mac: 'fa:16:3e:4c:2c:30',
        kind: 'bridge',
        bridge: 'brq3cb9bc59',
        devName: 'tapce531f90-12',
        mtu: 1450,
        model: 'virtio',
      },
    ],
    ...options.spec,
  }
}

/** As Debian's ovmf and qemu-efi-aarch64 have them, in the order of their names. */
export const sampleLoaders: readonly Loader[] = [
  {
    executable: '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd',
    nvramTemplate: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd',
    features: ['secure-boot', 'enrolled-keys', 'requires-smm'],
    targets: [{ architecture: 'x86_64', machines: ['pc-q35-*'] }],
  },
  {
    executable: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    nvramTemplate: '/usr/share/OVMF/OVMF_VARS_4M.fd',
    features: ['acpi-s3'],
    targets: [{ architecture: 'x86_64', machines: ['pc-i440fx-*', 'pc-q35-*'] }],
  },
  {
    executable: '/usr/share/AAVMF/AAVMF_CODE.fd',
    nvramTemplate: '/usr/share/AAVMF/AAVMF_VARS.fd',
    features: [],
    targets: [{ architecture: 'aarch64', machines: ['virt-*'] }],
  },
]

export const sampleHost = (overrides: Partial<DomainHost> = {}): DomainHost => ({
  virtType: 'qemu',
  architecture: 'x86_64',
  emulator: '/usr/bin/qemu-system-x86_64',
  defaultMachine: 'pc',
  cpu: { mode: 'none' },
  tbCacheMiB: 64,
  videoModels: ['vga', 'cirrus', 'virtio', 'none'],
  settings: defaultSettings,
  emulators: {
    x86_64: {
      path: '/usr/bin/qemu-system-x86_64',
      machines: { pc: 'pc-i440fx-7.2', q35: 'pc-q35-7.2', 'pc-q35-7.2': 'pc-q35-7.2' },
    },
    i686: { path: '/usr/bin/qemu-system-i386', machines: { pc: 'pc-i440fx-7.2', q35: 'pc-q35-7.2' } },
    aarch64: { path: '/usr/bin/qemu-system-aarch64', machines: { virt: 'virt-7.2' } },
  },
  cpuFeatures: {
    usual: ['sse', 'sse2', 'pni'],
    most: ['sse', 'sse2', 'pni', 'ssse3', 'aes', 'avx', 'avx2'],
    byModel: {
      Nehalem: ['sse', 'sse2', 'pni', 'ssse3'],
      Haswell: ['sse', 'sse2', 'pni', 'ssse3', 'aes', 'avx', 'avx2'],
    },
  },
  loaders: sampleLoaders,
  canLimitCpu: true,
  libvirtVersion: 9_000_000,
  serialPorts: [],
  diskCache: 'none',
  diskOptions: defaultDiskOptions,
  productVersion: '0.1.0',
  rootFormat: () => 'qcow2',
  diskPath: id => `/var/lib/nova/instances/${id}/disk`,
  ephemeralPath: (id, index) => `/var/lib/nova/instances/${id}/disk.eph${index}`,
  swapPath: id => `/var/lib/nova/instances/${id}/disk.swap`,
  configDrivePath: id => `/var/lib/nova/instances/${id}/disk.config`,
  consoleLogPath: id => `/var/lib/nova/instances/${id}/console.log`,
  kernelPath: id => `/var/lib/nova/instances/${id}/kernel`,
  ramdiskPath: id => `/var/lib/nova/instances/${id}/ramdisk`,
  nvramPath: id => `/var/lib/nova/instances/${id}/nvram`,
  ...overrides,
})
