/** What nova.conf says about guests, in our words; the defaults are Nova's. */
export interface DomainSettings {
  /** `[libvirt] cpu_models`, in order of preference, as libvirt spells them. */
  readonly cpuModels: readonly string[]
  /** `[libvirt] cpu_model_extra_flags`: `+pcid`, `-mpx`, `pdpe1gb`. */
  readonly cpuExtraFlags: readonly string[]
  /** `[libvirt] hw_machine_type` by architecture. */
  readonly machineTypes: Readonly<Record<string, string>>
  /** `[libvirt] num_pcie_ports`; 0: enough for hot-plug. */
  readonly pciePorts: number
  /** Address the display listens on; null: guests have none. */
  readonly vncListen: string | null
  readonly spice: SpiceSettings | null
  /** `[serial_console]`: serial ports listen on TCP at this address; null: they are for the log only. */
  readonly serialListen: string | null
  readonly serialPortRange: { readonly first: number; readonly last: number }
  /** `usbtablet`, `ps2mouse` or `none`. */
  readonly pointerModel: string
  /** Serial number of the machine; `unique` is the guest's own id, null is none. */
  readonly machineSerial: 'unique' | { readonly of: string } | null
  /** `[libvirt] mem_stats_period_seconds`; 0: no balloon. */
  readonly memoryStatsSeconds: number
  readonly rngBackend: string
  readonly rxQueueSize: number | null
  readonly maxQueues: number
  readonly usesVirtioNics: boolean
  readonly perfEvents: readonly string[]
  /** `[workarounds] libvirt_disable_apic`. */
  readonly hasApic: boolean
  /** `[libvirt] swtpm_enabled`. */
  readonly hasTpm: boolean
  /** `[libvirt] supported_tpm_secret_security` */
  readonly tpmSecretSecurity: readonly string[]
  /** `[libvirt] file_backed_memory`. */
  readonly isMemoryFileBacked: boolean
  /** `[compute] cpu_shared_set`; null: every CPU. */
  readonly sharedCpus: readonly number[] | null
}

export interface SpiceSettings {
  readonly listen: string
  readonly hasAgent: boolean
  readonly imageCompression: string | null
  readonly jpegCompression: string | null
  readonly zlibCompression: string | null
  readonly playbackCompression: boolean | null
  readonly streamingMode: string | null
  readonly isSecureOnly: boolean
}

/** More queues than the kernel's tap driver allows fail the start. */
const queuesOfTap = 256

export const defaultSettings: DomainSettings = {
  cpuModels: [],
  cpuExtraFlags: [],
  machineTypes: {},
  pciePorts: 0,
  vncListen: '127.0.0.1',
  spice: null,
  serialListen: null,
  serialPortRange: { first: 10_000, last: 20_000 },
  pointerModel: 'usbtablet',
  machineSerial: 'unique',
  memoryStatsSeconds: 10,
  rngBackend: '/dev/urandom',
  rxQueueSize: null,
  maxQueues: queuesOfTap,
  usesVirtioNics: true,
  perfEvents: [],
  hasApic: true,
  hasTpm: false,
  tpmSecretSecurity: ['user', 'host', 'deployment'],
  isMemoryFileBacked: false,
  sharedCpus: null,
}
