import type { Log } from '#base'
import type { StatementCounter } from './statement-counter.ts'

/** What nova.conf says about a database's connections, under oslo.db's names. Defaults are oslo.db's. */
export interface DatabaseOptions {
  readonly counter?: StatementCounter
  readonly log?: Log
  /** Connections that stay open; 0: as many as there ever were. */
  readonly maxPoolSize?: number
  /** Connections beyond them, closed after use; -1: without bound. */
  readonly maxOverflow?: number
  /** How long a statement waits for a connection while all are in use. */
  readonly poolTimeoutMs?: number
  /** Age at which a connection is replaced; -1: never. */
  readonly recycleMs?: number
  /** Tries to connect at the start, and the pause between them; -1: for ever. */
  readonly startTries?: number
  readonly startPauseMs?: number
  /** Tries after that, of whatever the database's going away or a conflict has stopped. */
  readonly tries?: number
  readonly pauseMs?: number
  readonly pauseGrows?: boolean
  readonly longestPauseMs?: number
  readonly sqlMode?: string
  readonly wsrepSyncWait?: number
  /** `connection_parameters`: more of the URL's query. */
  readonly parameters?: string
  /** SQLite: waits until what it writes is on the disk. */
  readonly isSynchronous?: boolean
  /** A copy that is only read; nothing is created there. */
  readonly isReplica?: boolean
  /** Tables that lie in another database of the same server. */
  readonly elsewhere?: { readonly database: string; readonly tables: readonly string[] }
}

export interface PoolRules {
  readonly maxIdle: number
  readonly maxOpen: number
  readonly waitMs: number
  readonly recycleMs: number
}

/** How long to wait for what, and how often. */
export interface RetryRules {
  readonly startTries: number
  readonly startPauseMs: number
  readonly tries: number
  readonly pauseMs: number
  readonly grows: boolean
  readonly longestPauseMs: number
}

export function poolRules(o: DatabaseOptions): PoolRules {
  const { maxPoolSize: size = 5, maxOverflow: overflow = 50 } = o
  const isBounded = size > 0 && overflow >= 0
  return {
    maxIdle: size === 0 ? Number.POSITIVE_INFINITY : size,
    maxOpen: isBounded ? size + overflow : Number.POSITIVE_INFINITY,
    // SQLAlchemy's default.
    waitMs: o.poolTimeoutMs ?? 30_000,
    recycleMs: o.recycleMs === undefined ? 3_600_000 : o.recycleMs < 0 ? Number.POSITIVE_INFINITY : o.recycleMs,
  }
}

export const retryRules = (o: DatabaseOptions): RetryRules => ({
  startTries: o.startTries === -1 ? Number.POSITIVE_INFINITY : (o.startTries ?? 10),
  startPauseMs: o.startPauseMs ?? 10_000,
  tries: o.tries === -1 ? Number.POSITIVE_INFINITY : (o.tries ?? 20),
  pauseMs: o.pauseMs ?? 1000,
  grows: o.pauseGrows ?? true,
  longestPauseMs: o.longestPauseMs ?? 10_000,
})
