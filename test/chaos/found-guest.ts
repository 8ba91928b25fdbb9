/** A guest as its hypervisor tells of it. */
export interface FoundGuest {
  readonly host: string
  readonly id: string
  /** Set aside by a move. */
  readonly isAside: boolean
  /** Nova's number. */
  readonly power: number
  readonly vcpus: number
  readonly memoryMiB: number
  /** Ids of its volumes. */
  readonly volumes: readonly string[]
  readonly macs: readonly string[]
  readonly isRescued: boolean
  /** It waits for its memory from elsewhere. */
  readonly isIncoming: boolean
  /** Name of what it has in its host's folder of disks; null: nothing. */
  readonly disk: string | null
}

/** What lies on hosts at one moment. */
export interface HostsView {
  readonly guests: readonly FoundGuest[]
  /** What the folders of disks hold. */
  readonly disks: ReadonlyMap<string, readonly string[]>
  /** Anything else that is there and should not be. */
  readonly litter: readonly string[]
}
