import type { InstanceId } from '#base'
import type { CopyProgress } from '#model'
import type { GuestSpec } from './guest-spec.ts'

/** What a source tells a target about the disks that are to come; only drivers of one kind understand it. */
export interface MoveOffer {
  readonly hypervisorType: string
  readonly detail: Readonly<Record<string, unknown>>
}

/**
 * Moves of guests that are off: to another host, to another flavor, or both. At most one of the two hosts has the guest
 * under its id: the source sets it aside, unseen by `list`, until the move is confirmed or reverted.
 */
export interface ColdMigration {
  /**
   * At the source: shuts the guest down and sets it aside, disks and all. Refused with ResizeError when the flavor of the
   * new spec does not fit the guest's disks; then nothing has changed.
   */
  offer(spec: GuestSpec, how: { readonly gracefulMs: number }): Promise<MoveOffer>
  /** At the target, which may be the source: makes the guest from the offered disks, in the size of the spec. */
  receive(offer: MoveOffer, spec: GuestSpec, how: { readonly isOn: boolean }): Promise<void>
  /** At the target: what was received goes, disks too. What is set aside on the same host stays. */
  discard(id: InstanceId): Promise<void>
  /** At the source: what is set aside here. */
  setAside(): Promise<readonly InstanceId[]>
  /** At the source: what was set aside goes. */
  confirm(id: InstanceId): Promise<void>
  /** At the source: what was set aside is the guest again, of the old spec. */
  revert(spec: GuestSpec, how: { readonly isOn: boolean }): Promise<void>
}

/** What a target must be able to do for a guest to run on there. */
export interface MigrationNeeds {
  readonly hypervisorType: string
  readonly hypervisorVersion: number
  readonly cpu: Readonly<Record<string, unknown>>
  readonly memoryMiB: number
  /** Disks, storage, …: what only drivers of one kind understand. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** A place at the target that waits for a guest. */
export interface Landing {
  /** Where its memory goes. */
  readonly uri: string
  /** What only drivers of one kind understand. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** How far a copy is. */
export interface CopyStep extends CopyProgress {
  /** The guest runs at the target already, and the rest of its memory follows: nothing can stop it any more. */
  readonly isPostCopy?: true
}

/**
 * Moves of guests that run. The source owns the guest until `send` has ended; from then on the target does, and what the
 * source still has is litter.
 */
export interface LiveMigration {
  /** At the source. */
  describe(id: InstanceId): Promise<MigrationNeeds>
  /**
   * At the target: why it cannot run such a guest; undefined when it can. `withDisks`: whether its disks shall be copied;
   * null: those that both hosts do not share.
   */
  refusal(needs: MigrationNeeds, how: { readonly withDisks: boolean | null }): Promise<string | undefined>
  /** At the target: disks and a place that waits for memory. Nothing runs there yet; `state` says `isIncoming`. */
  prepareIncoming(spec: GuestSpec, needs: MigrationNeeds): Promise<Landing>
  /** At the target: places that wait, and files of guests that this host does not have (yet, or any more). */
  awaited(): Promise<readonly InstanceId[]>
  /** At the target: the waiting place goes. A guest that has arrived is left alone. */
  discardIncoming(id: InstanceId): Promise<void>
  /**
   * At the source: copies memory, and if asked the disks that the target does not share, until the guest runs at the
   * target; tells how far it is. Paused guests arrive paused. When the signal aborts before that, the guest stays here and
   * LiveMigrationAborted is thrown; PostCopyFailed when it was lost between the two. A copy that a process before this one has begun is followed to its end.
   */
  send(
    id: InstanceId,
    landing: Landing,
    how: { readonly withDisks: boolean },
    signal: AbortSignal,
  ): AsyncIterable<CopyStep>
  /** At the source: holds the guest still, or whatever else makes a running copy come to its end. */
  forceComplete(id: InstanceId): Promise<void>
  /** At the source: no copy goes on afterwards, also none that a process before this one began; whichever way it ended. */
  settle(id: InstanceId): Promise<void>
  /** At the source, when the guest is at the target: removes what is left of it. */
  forget(id: InstanceId): Promise<void>
}
