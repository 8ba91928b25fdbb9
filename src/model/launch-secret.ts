/**
 * What a new guest is told once, on its config drive, and nobody else ever; and in whose name its volumes are made.
 *
 * Where it is: from the acceptance of the create to the end of its build as one row of the store, because a build must
 * survive kill -9; on the bus inside the spec of the first spawn; then on the drive in the guest's folder, for as long as
 * the guest is. Never in a saga's input or journal, a log, a fault, a notification, or the record of the instance.
 */
export interface LaunchSecret {
  /** As given or generated at create; empty: none. */
  readonly adminPassword: string
  /** Injected files ("personality"), in the order of the request. */
  readonly files: readonly { readonly path: string; readonly base64: string }[]
  /** Who asked, with his token: volumes that the server's disks need are made in his name. */
  readonly creator?: Creator
}

/** A caller of the API, as the neighbours know him. */
export interface Creator {
  readonly userId: string
  readonly userName: string
  readonly userDomainId: string
  readonly userDomainName: string
  readonly projectId: string | null
  readonly projectName: string | null
  readonly projectDomainId: string | null
  readonly projectDomainName: string | null
  readonly roles: readonly string[]
  readonly systemScope: boolean
  readonly domainId: string | null
  readonly token: string
  readonly expiresAtMs: number
}
