import { type Logger, pino } from 'pino'

export type Log = Logger

export interface LogOptions {
  readonly service: string
  readonly level?: string
  /** Path of a file, or nothing for stderr. */
  readonly file?: string
}

/** Keys whose values never reach a log, at any depth that our own code writes. */
const secret = ['password', 'adminPass', 'admin_pass', 'token', 'privateKey', 'private_key', 'secret']

/**
 * Structured logger: one JSON line per decision, ids as fields, sentence without ids.
 * The destination writes synchronously so that nothing is lost on a crash.
 */
export function createLog(options: LogOptions): Log {
  return pino(
    {
      base: { service: options.service },
      level: options.level ?? 'info',
      redact: { paths: [...secret, ...secret.map(key => `*.${key}`)], censor: '***' },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: options.file ?? 2, sync: true, mkdir: true }),
  )
}

/** For unit tests and tools that have nowhere to log. */
export const silentLog: Log = pino({ level: 'silent' })
