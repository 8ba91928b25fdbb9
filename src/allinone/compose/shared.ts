import type { Clock, Log } from '#base'
import type { Bus } from '#bus'
import type {
  IdentityPort,
  ImagePort,
  KeyPort,
  NetworkCapacity,
  NetworkPort,
  PlacementPort,
  SharePort,
  VifPlugger,
  VolumePort,
} from '#cloud'
import type { Config } from '#config'
import type { Store } from '#store'

/** What the services of one cloud share, however many processes they run in. */
export interface Shared {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly bus: Bus
}

/** The neighbours as ports: built in, or real ones behind HTTP. */
export interface Neighbours {
  readonly identity: IdentityPort
  readonly images: ImagePort
  readonly network: NetworkPort
  readonly placement: PlacementPort
  readonly volumes: VolumePort
  readonly shares: SharePort
  readonly keys: KeyPort
  /** Only the built-in network wires guests itself. */
  readonly plugger: VifPlugger | undefined
  /** Of the built-in network. */
  readonly networkCapacity?: NetworkCapacity
}

export interface WithStore extends Shared {
  readonly store: Store
}

export const secondsOf = (n: number): number => n * 1000
