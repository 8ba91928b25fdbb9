/**
 * A share of the share service (Manila) that a server has been given. `inactive`: the host may use it, the guest gets it
 * at its next start; `active`: the guest has it; `error`: it could not be given, or not be taken away.
 */
export interface ServerShare {
  readonly id: string
  readonly instanceId: string
  readonly shareId: string
  readonly status: ServerShareStatus
  /** Under which the guest mounts it; unique in the server. */
  readonly tag: string
  readonly exportLocation: string
  readonly protocol: ShareProtocol
  /** To whom the share service opened it: the host's address, or the name of a Ceph user. Null until it was asked. */
  readonly accessTo: string | null
}

export const serverShareStatuses = ['attaching', 'detaching', 'active', 'inactive', 'error'] as const
export type ServerShareStatus = (typeof serverShareStatuses)[number]

/** The protocols that a host can mount. */
export const shareProtocols = ['NFS', 'CEPHFS'] as const
export type ShareProtocol = (typeof shareProtocols)[number]

export const isShareProtocol = (text: string): text is ShareProtocol => shareProtocols.some(known => known === text)
