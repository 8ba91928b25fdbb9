import type { GuestSpec } from '../../guest-spec.ts'
import type { DiskOptions } from './disk-options.ts'
import type { XmlElement } from './element.ts'

export type VirtType = 'kvm' | 'qemu'

/** `none`: whatever QEMU gives; `maximum`: all that the accelerator can do. */
export type CpuMode =
  | { readonly mode: 'none' | 'host-model' | 'host-passthrough' | 'maximum' }
  | { readonly mode: 'custom'; readonly model: string }

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
  readonly rngBackend: string
  readonly vncListen: string
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
}

/** One device family: its part of the definition, or nothing. Pure. */
export type Family = (spec: GuestSpec, host: DomainHost) => XmlElement | readonly XmlElement[] | undefined
