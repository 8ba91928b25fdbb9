import type { FaultRecord } from '#base'
import type { CopyProgress } from '#model'
import type { GuestSpec, GuestState, Landing, MigrationNeeds, MoveOffer } from '#virt'
import { method } from '../contract.ts'

/** A copy of disks may take hours. */
const longMs = 86_400_000

/** How a running guest's copy stands at its source. */
export interface Sending {
  /** `none`: no copy is known here, for it never began or this process is a new one. */
  readonly phase: 'none' | 'copying' | 'done' | 'failed'
  readonly progress: CopyProgress | null
  /** The guest runs at the target already, while the rest of its memory follows. */
  readonly isPostCopy?: true
  readonly failure: FaultRecord | null
}

/** What nova-compute does for moves of guests; part of its contract. */
export const moveMethods = {
  /** What this host's hypervisor can do with guests of other hosts. */
  moveAbilities: method<Record<string, never>, { readonly cold: boolean; readonly live: boolean }>(),
  offerMove: method<{ spec: GuestSpec; gracefulMs: number }, MoveOffer>(longMs),
  receiveMove: method<{ offer: MoveOffer; spec: GuestSpec; isOn: boolean }, GuestState>(longMs),
  discardMove: method<{ id: string }, null>(longMs),
  confirmMove: method<{ id: string }, null>(longMs),
  revertMove: method<{ spec: GuestSpec; isOn: boolean }, GuestState>(longMs),
  describeMigration: method<{ id: string }, MigrationNeeds>(),
  refuseMigration: method<{ needs: MigrationNeeds; withDisks: boolean | null }, { readonly reason: string | null }>(),
  prepareIncoming: method<{ spec: GuestSpec; needs: MigrationNeeds }, Landing>(longMs),
  discardIncoming: method<{ id: string }, null>(longMs),
  /** Begins the copy and returns. `key` is the operation's: asked again with it, the copy is the one that was begun. */
  sendGuest: method<{ id: string; key: string; landing: Landing; withDisks: boolean }, null>(),
  sending: method<{ id: string; key: string }, Sending>(),
  /** Returns when the copy has ended, in whichever way. */
  abortSending: method<{ id: string; key: string }, Sending>(longMs),
  forceComplete: method<{ id: string }, null>(),
  forgetGuest: method<{ id: string }, null>(longMs),
} as const
