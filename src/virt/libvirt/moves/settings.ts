/** `[libvirt] live_migration_…` of nova.conf. */
export interface MigrationSettings {
  /** Address at which daemons and guests' memory of other hosts reach this one; undefined: its name. */
  readonly inboundAddress?: string
  /** `live_migration_uri` and `live_migration_scheme`. */
  readonly uriTemplate?: string
  readonly scheme?: string
  /** 0: as fast as it goes. */
  readonly bandwidthMiBs: number
  readonly downtime: { readonly ms: number; readonly steps: number; readonly delaySeconds: number }
  /** `live_migration_completion_timeout`, 0: for ever, and `live_migration_timeout_action`. */
  readonly completion: { readonly secondsPerGiB: number; readonly action: 'abort' | 'force_complete' }
  readonly permitsPostCopy: boolean
  readonly permitsAutoConverge: boolean
  readonly usesNativeTls: boolean
  readonly isTunnelled: boolean
  /** `[workarounds] skip_cpu_compare_on_dest`: libvirt says of itself whether it can run the guest, or fails. */
  readonly skipsCpuComparison?: boolean
  readonly parallelConnections: number
}

export const plainMigration: MigrationSettings = {
  bandwidthMiBs: 0,
  downtime: { ms: 500, steps: 10, delaySeconds: 75 },
  completion: { secondsPerGiB: 800, action: 'abort' },
  permitsPostCopy: false,
  permitsAutoConverge: false,
  usesNativeTls: false,
  isTunnelled: false,
  parallelConnections: 1,
}

const inUrl = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** Where this host's daemon finds that of the host with this address. */
export function peerUri({ uriTemplate, scheme }: MigrationSettings, address: string): string {
  const at = inUrl(address)
  return uriTemplate === undefined ? `qemu+${scheme ?? 'tcp'}://${at}/system` : uriTemplate.replaceAll('%s', at)
}

/** Where QEMU sends the memory. */
export const memoryUri = (address: string): string => `tcp://${inUrl(address)}`

/**
 * The pauses that a guest may be made to take, the longer the later, as (seconds since the start, milliseconds): the first
 * is a step of the whole, the last all of it, with a wait between them that grows with what has to be copied.
 */
export function pauseSteps({ downtime }: MigrationSettings, gib: number): readonly (readonly [number, number])[] {
  const { ms, steps, delaySeconds } = downtime
  const first = ms / steps
  const wait = Math.floor(delaySeconds * Math.max(2, gib))
  return Array.from(
    { length: steps + 1 },
    (_, i) => [wait * i, Math.floor(first + ((ms - first) / steps) * i)] as const,
  )
}
