import type { TypedParam } from '../rpc/index.ts'
import { type MigrationSettings, memoryUri } from './settings.ts'

/** virDomainMigrateFlags */
export const migrateFlag = {
  live: 1,
  peerToPeer: 2,
  tunnelled: 4,
  persistAtTarget: 8,
  undefineSource: 16,
  copyTopLayers: 128,
  unsafe: 512,
  autoConverge: 8192,
  postCopy: 32_768,
  tls: 65_536,
  parallel: 131_072,
} as const

type Flag = keyof typeof migrateFlag

/** One migration as libvirt is told of it. */
export interface MigrationOrder {
  /** The definition with which the guest arrives. */
  readonly xml: string
  readonly target: { readonly host: string; readonly address: string }
  /** Devices of the disks that are copied: `vda`. */
  readonly copied: readonly string[]
  readonly isPaused: boolean
  /** Whether QEMU passes by the caches of the host. */
  readonly passesCaches: boolean
}

/** Post-copy only of guests that run, and where memory goes from QEMU to QEMU over one connection (QEMU before 10.1). */
export const mayPostCopy = (settings: MigrationSettings, { isPaused }: Pick<MigrationOrder, 'isPaused'>): boolean =>
  settings.permitsPostCopy && !isPaused && !settings.isTunnelled && settings.parallelConnections <= 1

export function flagsOf(settings: MigrationSettings, order: MigrationOrder): number {
  const isPostCopy = mayPostCopy(settings, order)
  const asked: Readonly<Record<Flag, boolean>> = {
    live: true,
    peerToPeer: true,
    persistAtTarget: true,
    undefineSource: true,
    copyTopLayers: order.copied.length > 0,
    // libvirt knows few file systems that hosts share, and nothing of volumes of one machine. That both sides see the
    // same files we have made sure of; caches would still differ unless they are passed by.
    unsafe: order.passesCaches,
    postCopy: isPostCopy,
    // Nova's rule: who may go on at the target need not be slowed down.
    autoConverge: settings.permitsAutoConverge && !isPostCopy,
    tls: settings.usesNativeTls,
    tunnelled: settings.isTunnelled,
    parallel: settings.parallelConnections > 1,
  }
  return Object.entries(migrateFlag).reduce((sum, [name, bit]) => sum | (asked[name as Flag] ? bit : 0), 0)
}

export function paramsOf(settings: MigrationSettings, { xml, target, copied }: MigrationOrder): TypedParam[] {
  const params: TypedParam[] = [
    ['destination_xml', { string: xml }],
    ['persistent_xml', { string: xml }],
    ...copied.map((device): TypedParam => ['migrate_disks', { string: device }]),
  ]
  // Only an address: the name is what the target's own daemon chooses by.
  if (!settings.isTunnelled && target.address !== target.host) {
    params.push(['migrate_uri', { string: memoryUri(target.address) }], ['listen_address', { string: target.address }])
  }
  if (settings.bandwidthMiBs > 0) params.push(['bandwidth', { ullong: settings.bandwidthMiBs }])
  const { parallelConnections } = settings
  if (parallelConnections > 1) params.push(['parallel.connections', { int: parallelConnections }])
  return params
}
