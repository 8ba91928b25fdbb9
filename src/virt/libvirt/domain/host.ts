import type { GuestShare, GuestSpec } from '../../guest-spec.ts'
import type { DiskOptions } from './disk-options.ts'
import type { XmlElement } from './element.ts'
import type { Loader } from './loader.ts'
import type { DomainSettings } from './settings.ts'

export type VirtType = 'kvm' | 'qemu'

/** `none`: whatever QEMU gives; `maximum`: all that the accelerator can do. */
export type CpuMode =
  | { readonly mode: 'none' | 'host-model' | 'host-passthrough' | 'maximum' }
  | { readonly mode: 'custom'; readonly model: string }

/** What an AMD processor encrypts the memory of guests with, as `<sev>` of libvirt's domain capabilities tells it. */
export interface SevSupport {
  /** The bit of an address that says a page is encrypted. */
  readonly cBitPosition: number
  readonly reducedPhysBits: number
  /** Guests at a time; 0: not told. */
  readonly mostGuests: number
  /** The same of those whose registers are encrypted too; 0: none. */
  readonly mostEsGuests: number
}

/** What the domain definition needs to know of the host. */
export interface DomainHost {
  readonly virtType: VirtType
  readonly architecture: string
  readonly emulator: string
  readonly defaultMachine: string
  readonly cpu: CpuMode
  /** Size of the translation buffer of a TCG guest: 64 costs half the memory of QEMU's default and no time. */
  readonly tbCacheMiB: number
  readonly videoModels: readonly string[]
  readonly settings: DomainSettings
  /** Architectures that an emulator is here for, the host's own among them. */
  readonly emulators: Readonly<Record<string, Emulator>>
  /** Features of the processor that the guests of this host get, by the names of libvirt; by model for `custom`. */
  readonly cpuFeatures: CpuFeatures
  /** UEFI builds of this host, the preferred ones first. */
  readonly loaders: readonly Loader[]
  /** Whether the hypervisor can set cgroup limits. */
  readonly canLimitCpu: boolean
  /** What `quota:cpu_shares` may be, where the kernel does not take every number. */
  readonly cpuShares?: { readonly least: number; readonly most: number }
  /** Absent: memory of guests cannot be encrypted. */
  readonly sev?: SevSupport
  /** libvirt 9.3 knows `aw_bits` and, later, the virtio model. */
  readonly libvirtVersion: number
  /** TCP ports of this start of the guest, one for each serial port. */
  readonly serialPorts: readonly number[]
  readonly diskCache: 'none' | 'writethrough'
  /** `native` for disks whose blocks are reserved; otherwise QEMU's own choice. */
  readonly diskIo?: 'native'
  readonly diskOptions: DiskOptions
  readonly productVersion: string
  diskPath(id: string): string
  /** What the guest's root disk really is; it may have been made under other options. */
  rootFormat(id: string): 'qcow2' | 'raw'
  ephemeralPath(id: string, index: number): string
  swapPath(id: string): string
  configDrivePath(id: string): string
  consoleLogPath(id: string): string
  kernelPath(id: string): string
  ramdiskPath(id: string): string
  /** The guest's UEFI variables. */
  nvramPath(id: string): string
  /** Where the files of a share are; absent on hosts that cannot serve folders to guests. */
  readonly sharePath?: (share: GuestShare) => string
}

export interface Emulator {
  readonly path: string
  /** Machine types by every name they have, with the name of their version: `pc` is `pc-i440fx-7.2`. */
  readonly machines: Readonly<Record<string, string>>
}

export interface CpuFeatures {
  /** Of a guest that asks for nothing. */
  readonly usual: readonly string[]
  /** All that a guest could be given. */
  readonly most: readonly string[]
  readonly byModel: Readonly<Record<string, readonly string[]>>
}

/** One device family: its part of the definition, or nothing. Pure. */
export type Family = (spec: GuestSpec, host: DomainHost) => XmlElement | readonly XmlElement[] | undefined
