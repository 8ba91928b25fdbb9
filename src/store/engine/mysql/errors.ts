/** What an error of the server or of the connection means for whoever met it. */
export type Trouble =
  /** The connection is gone, or the server cannot work just now: another connection may do better. */
  | 'lost'
  /** The server has undone the transaction for another one: run again, it may succeed. */
  | 'conflict'
  /** A row with this key is there. */
  | 'duplicate'
  /** Anything else: it would happen again. */
  | 'final'

export interface ServerError extends Error {
  readonly code?: string
  readonly errno?: number
  readonly fatal?: boolean
}

const conflicts = new Set([
  1205, // Lock wait timeout
  1213, // Deadlock; also how Galera tells that a transaction failed its certification
  1020, // Record has changed since last read
  1317, // Query execution was interrupted: a transaction of another node had to come first
])

const lost = new Set([
  1040, // Too many connections
  1047, // WSREP has not yet prepared this node for application use
  1053, // Server shutdown in progress
  1203, // More than max_user_connections
  1290, // --read-only: this one is no primary any more
  1792, // Cannot execute statement in a READ ONLY transaction
  1836, // Running in read-only mode
  1927, // Connection was killed
  2006,
  2013,
  3169, // The server was killed
  4031, // Disconnected because of inactivity
])

const lostCodes = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // A unix socket whose server has not started yet.
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'PROTOCOL_CONNECTION_LOST',
])

/** Of an attempt to connect: a certificate or a password that is no good does not get better. */
export function isServerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { errno, code } = error as ServerError
  return (errno !== undefined && lost.has(errno)) || (code !== undefined && lostCodes.has(code))
}

/** The table is not there yet. */
export const isNoTable = (error: unknown): boolean => error instanceof Error && (error as ServerError).errno === 1146

/** Of a statement on a connection that was made. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof Error)) return 'final'
  const { errno, fatal } = error as ServerError
  if (errno === 1062) return 'duplicate'
  if (errno !== undefined && conflicts.has(errno)) return 'conflict'
  return isServerAway(error) || fatal === true ? 'lost' : 'final'
}
