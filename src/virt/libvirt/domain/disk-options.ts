/** What the operator says of disks: `[libvirt]` of nova.conf. */
export interface DiskOptions {
  /** `disk_cachemodes`: cache by kind of source (`file`, `block`, `network`). */
  readonly cacheModes: Readonly<Record<string, string>>
  /** `hw_disk_discard`: what becomes of discards on disks that lie on this host. */
  readonly discard: 'ignore' | 'unmap' | undefined
  /** `disk_prefix`: of every disk's name in the guest. */
  readonly prefix: string | undefined
  /** `use_default_aio_mode_for_volumes`: no `native` I/O for volumes. */
  readonly usesDefaultAio: boolean
}

export const defaultDiskOptions: DiskOptions = {
  cacheModes: {},
  discard: undefined,
  prefix: undefined,
  usesDefaultAio: false,
}

const modes = new Set(['default', 'none', 'writethrough', 'writeback', 'directsync', 'unsafe'])
const kinds = new Set(['file', 'block', 'network', 'mount'])

/** `file=writeback` of each entry; as in Nova what is not understood is left out. */
export const cacheModesOf = (entries: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    entries.flatMap(entry => {
      const [kind = '', mode = ''] = entry.split('=')
      return kinds.has(kind) && modes.has(mode) ? [[kind, mode]] : []
    }),
  )
