import { type PowerState, power } from '../../driver.ts'

/** virDomainState */
export const domainState = {
  noState: 0,
  running: 1,
  blocked: 2,
  paused: 3,
  shutdown: 4,
  shutoff: 5,
  crashed: 6,
  pmSuspended: 7,
} as const
/** virDomainPausedReason, virDomainShutoffReason: those that change the meaning of the state. */
export const pausedReason = {
  unknown: 0,
  user: 1,
  migration: 2,
  save: 3,
  crashed: 10,
  startingUp: 11,
  postCopy: 12,
  postCopyFailed: 13,
} as const
/** virDomainRunningReason: it runs here while the rest of its memory still comes from there, or does not come any more. */
export const runningReason = { postCopy: 10, postCopyFailed: 11 } as const
export const shutoffReason = { crashed: 3 } as const

export interface DomainStatus {
  readonly state: number
  readonly reason: number
}

export const hasProcess = (status: DomainStatus): boolean =>
  status.state !== domainState.shutoff && status.state !== domainState.noState && status.state !== domainState.crashed

/**
 * QEMU stops a guest with an internal error of KVM and says so; libvirt only says `paused`, for a reason it does not know.
 * Such a guest must be asked about.
 */
export const mayBeInternalError = (status: DomainStatus): boolean =>
  status.state === domainState.paused && status.reason === pausedReason.unknown

const incoming: Readonly<Record<number, readonly number[]>> = {
  [domainState.paused]: [pausedReason.migration, pausedReason.startingUp, pausedReason.postCopyFailed],
  [domainState.running]: [runningReason.postCopy, runningReason.postCopyFailed],
}

/** What a guest shows at the target until its memory is there, all of it. */
export const isIncomingMemory = ({ state, reason }: DomainStatus): boolean => incoming[state]?.includes(reason) === true

/** What a guest shows at the source while it runs at the target already and the rest of its memory follows. */
export const isLeavingPostCopy = ({ state, reason }: DomainStatus): boolean =>
  state === domainState.paused && reason === pausedReason.postCopy

/** Half of its memory is on this host and half on another, and they do not find together any more. */
export const isTorn = ({ state, reason }: DomainStatus): boolean =>
  (state === domainState.paused && reason === pausedReason.postCopyFailed) ||
  (state === domainState.running && reason === runningReason.postCopyFailed)

/** libvirt is still making the process; it goes on even when the one who asked is gone. */
export const isStartingUp = (status: DomainStatus): boolean =>
  status.state === domainState.paused && status.reason === pausedReason.startingUp

/** Its memory goes to disk; libvirt goes on with it even when the one who asked is gone. */
export const isSaving = (status: DomainStatus): boolean =>
  status.state === domainState.paused && status.reason === pausedReason.save

export function powerOf(status: DomainStatus): PowerState {
  switch (status.state) {
    case domainState.running:
    case domainState.blocked:
      return power.running
    case domainState.paused:
      if (isStartingUp(status)) return power.noState
      return status.reason === pausedReason.crashed || isTorn(status) ? power.crashed : power.paused
    case domainState.shutdown:
      return power.shutdown
    case domainState.shutoff:
      return status.reason === shutoffReason.crashed ? power.crashed : power.shutdown
    case domainState.crashed:
      return power.crashed
    case domainState.pmSuspended:
      return power.suspended
    default:
      return power.noState
  }
}
