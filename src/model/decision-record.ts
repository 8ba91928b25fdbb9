/** One decision of the scheduler as it is kept for people: who asked for what, who fell out where, who weighed what. */
export interface DecisionRecord {
  readonly id: string
  readonly requestId: string | null
  readonly atMs: number
  readonly tookMs: number
  readonly instanceIds: readonly string[]
  /** Every instance has a place. */
  readonly isPlaced: boolean
  /** Why not. */
  readonly message: string | null
  readonly asked: DecisionQuestion
  /** What each request filter did. */
  readonly requestFilters: readonly { readonly filter: string; readonly says: string }[]
  /** Queries of `GET /allocation_candidates`. */
  readonly queries: readonly string[]
  readonly candidateCount: number
  readonly hostCount: number
  readonly fellOut: readonly FallenHosts[]
  readonly lostClaims: readonly { readonly instanceId: string; readonly host: string; readonly reason: string }[]
  readonly placed: readonly PlacedInstance[]
}

/** The request, without what only machines need. */
export interface DecisionQuestion {
  readonly projectId: string
  readonly userId: string
  readonly flavor: string
  readonly vcpus: number
  readonly memoryMiB: number
  readonly rootGiB: number
  readonly ephemeralGiB: number
  readonly swapMiB: number
  readonly extraSpecs: Readonly<Record<string, string>>
  /** Id of the image. */
  readonly image: string | null
  readonly isVolumeBacked: boolean
  readonly zone: string | null
  readonly destination: {
    readonly host: string | null
    readonly node: string | null
    readonly isForced: boolean
  } | null
  readonly ignoreHosts: readonly string[]
  readonly hints: Readonly<Record<string, readonly string[]>>
  readonly group: { readonly id: string; readonly policy: string } | null
}

/** Hosts that one filter refused for one reason. */
export interface FallenHosts {
  readonly filter: string
  readonly reason: string
  /** Of very many only the first are named. */
  readonly hosts: readonly string[]
  readonly hostCount: number
}

export interface PlacedInstance {
  readonly instanceId: string
  readonly host: string
  readonly node: string
  readonly zone: string
  readonly alternates: readonly string[]
  /** How many hosts were good. */
  readonly hostCount: number
  /** The heaviest of them, best first; `parts` by weigher, those that are not 0. */
  readonly best: readonly {
    readonly host: string
    readonly weight: number
    readonly parts: Readonly<Record<string, number>>
  }[]
}
