import type {
  Connector,
  ConsoleKind,
  ConsolePoint,
  Diagnostics,
  DiskEncryption,
  GuestDisk,
  GuestImage,
  GuestSpec,
  GuestState,
  GuestVif,
  MachineAction,
  RescueWish,
} from '#virt'
import { contract, method } from '../contract.ts'
import { moveMethods } from './moves.ts'

/** Boots and stops may take minutes on a slow host with a cold image cache. */
const longMs = 1_800_000

export interface ConsoleAsk {
  readonly id: string
  readonly kind: ConsoleKind
  /** As the API names it: `novnc`, `spice-html5`, `spice-direct`, `serial`, `webmks`. */
  readonly type: string
}

/** Where a console is, and the address of the proxy that leads there with a token. */
export interface ConsoleAccess extends ConsolePoint {
  readonly accessUrlBase: string
  readonly tokenTtlMs: number
}

/** What became of each image that was asked for ahead, by its id. */
export type CachedImages = Readonly<Record<string, 'cached' | 'existing' | 'unsupported' | 'error'>>
/** An image that waits for the bits of a guest's disk. */
export interface SnapshotOrder {
  /** Of the guest. */
  readonly id: string
  readonly imageId: string
  /** Null: as the hypervisor has it. */
  readonly diskFormat: string | null
  readonly containerFormat: string
  /** The copy is worth nothing unless the guest's file systems are consistent in it: `os_require_quiesce`. */
  readonly requiresQuiesce: boolean
  /** Set beside those that the image has. */
  readonly properties: Readonly<Record<string, string>>
  /** Of an encrypted root disk: what opens it, and what shall open the image. */
  readonly encryption?: { readonly disk: DiskEncryption; readonly copy: DiskEncryption }
}

const methods = {
  spawn: method<{ spec: GuestSpec; isOn?: boolean }, null>(longMs),
  destroy: method<{ id: string }, null>(longMs),
  start: method<{ spec: GuestSpec }, GuestState>(longMs),
  /** Graceful within the guest's shutdown time, then by force. */
  stop: method<{ id: string; gracefulMs: number }, GuestState>(longMs),
  /** Answers false when a soft reboot was asked for and became a hard one. */
  reboot: method<{ spec: GuestSpec; kind: 'soft' | 'hard' }, { wasSoft: boolean }>(longMs),
  pause: method<{ id: string }, GuestState>(),
  unpause: method<{ id: string }, GuestState>(),
  state: method<{ id: string }, GuestState>(),
  console: method<ConsoleAsk, ConsoleAccess>(),
  /** Of the host itself; unsupported where the hypervisor cannot switch it. */
  machine: method<{ action: MachineAction | 'on_maintenance' | 'off_maintenance' }, { isSupported: boolean }>(),
  cacheImages: method<{ images: readonly GuestImage[] }, CachedImages>(longMs),
  consoleLog: method<{ id: string; lines: number | null }, { text: string }>(),
  diagnostics: method<{ id: string }, Diagnostics>(),
  attachVif: method<{ id: string; vif: GuestVif }, null>(),
  detachVif: method<{ id: string; mac: string }, null>(),
  ...moveMethods,
  volumeConnector: method<Record<string, never>, Connector>(),
  attachVolume: method<{ id: string; disk: GuestDisk }, null>(longMs),
  detachVolume: method<{ id: string; volumeId: string }, null>(longMs),
  /** May copy for hours. */
  swapVolume: method<{ id: string; oldVolumeId: string; disk: GuestDisk }, null>(longMs),
  extendVolume: method<{ id: string; volumeId: string; sizeGiB: number }, null>(),
  snapshotVolume: method<{ id: string; volumeId: string; snapshotId: string; newFile: string }, null>(longMs),
  mergeVolumeSnapshot: method<
    { id: string; volumeId: string; snapshotId: string; fileToMerge: string | null; mergeTarget: string | null },
    null
  >(longMs),
  /** Copies the guest's root disk into the image; false: the image is gone. */
  snapshot: method<SnapshotOrder, { isUploaded: boolean }>(longMs),
  suspend: method<{ id: string }, GuestState>(longMs),
  resume: method<{ spec: GuestSpec }, GuestState>(longMs),
  rescue: method<{ spec: GuestSpec; wish: RescueWish }, GuestState>(longMs),
  unrescue: method<{ spec: GuestSpec }, GuestState>(longMs),
  /** The guest runs afterwards. */
  rebuild: method<{ spec: GuestSpec; how: { keepsEphemeral: boolean; gracefulMs: number } }, GuestState>(longMs),
  setPassword: method<{ id: string; user: string; password: string }, null>(),
  crashDump: method<{ id: string }, null>(),
  /** Holds the guest's file systems still, until `unquiesce` or for so long. */
  quiesce: method<{ id: string; atMostMs: number }, null>(),
  unquiesce: method<{ id: string }, null>(),
  /** By which address share services know this host. */
  shareConnector: method<Record<string, never>, { address: string }>(10_000),
  /** Names of those optional parts of the driver that an API call depends on. */
  facets: method<Record<string, never>, { names: readonly ('rescue' | 'guestAgent')[] }>(10_000),
  uptime: method<Record<string, never>, { text: string | null }>(),
} as const

/** What a nova-compute does for the conductor and the API. Served under the host's name; every method converges. */
export const computeContract = contract('compute', methods, { isServedByHosts: true })
export type ComputeContract = typeof computeContract
