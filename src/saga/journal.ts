import type { FaultRecord } from '#base'

/** What a saga has done so far: all that a restart needs. Keys are step paths, `build[0].ports`. */
export interface Journal {
  direction: 'forward' | 'backward'
  outputs: Record<string, unknown>
  /** Paths of steps that are taken back. */
  undone: string[]
  attempts: Record<string, AttemptRecord>
  /** Why it turned back. */
  failure: FaultRecord | null
  /** True once a pivot has succeeded: from then on forward only. */
  isPastPivot: boolean
  /** Moments that others have been told of and that no output stands for. Absent: none. */
  told?: string[]
}

export interface AttemptRecord {
  /** Which of the step's items; the items themselves follow from the input and the outputs. */
  index: number
  isUnwinding: boolean
  failures: FaultRecord[]
}

export const emptyJournal = (): Journal => ({
  direction: 'forward',
  outputs: {},
  undone: [],
  attempts: {},
  failure: null,
  isPastPivot: false,
})

export interface SagaRow {
  readonly id: string
  readonly name: string
  readonly instanceId: string | null
  readonly isCancelled: boolean
  readonly generation: number
  readonly input: unknown
  readonly journal: Journal
}

export type WriteResult =
  | 'ok'
  /** Written, and somebody has asked to cancel. */
  | 'cancelled'
  /** The lease or the generation is no longer ours: another worker owns the saga. Nothing was written. */
  | 'lost'

/**
 * Where journals live. Every write is a compare-and-set on owner and generation, so that of two workers which believe
 * they own a saga only one gets on. `Tx` is the store bound to a transaction.
 */
export interface JournalStore<Tx> {
  /** Takes the saga if it is open, waits for nothing and has no living owner, or this one, who has left it. */
  claim(id: string, owner: string, nowMs: number, leaseUntilMs: number): Promise<SagaRow | undefined>
  /** Ids that could be claimed now, oldest first. */
  runnable(nowMs: number, limit: number): Promise<readonly string[]>
  /** Leaves the lease alone: `renew` keeps it. */
  /** `also` is written in the same transaction, unless the saga is lost. */
  write(row: SagaRow, owner: string, journal: Journal, also?: (tx: Tx) => Promise<void>): Promise<WriteResult>
  /** One transaction: `settle`, status, the end of every task state the saga owns, and `last` of all. */
  finish(
    row: SagaRow,
    owner: string,
    journal: Journal,
    status: 'done' | 'undone',
    settle: (tx: Tx) => Promise<void>,
    last?: (tx: Tx) => Promise<void>,
  ): Promise<WriteResult>
  renew(owner: string, leaseUntilMs: number): Promise<void>
  /** Sagas that wait for this one. */
  dependents(id: string): Promise<readonly string[]>
}
