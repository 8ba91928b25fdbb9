import { Kysely } from 'kysely'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { StatementCounter } from './statement-counter.ts'

export type Database<Tables> = Kysely<Tables>

export interface OpenOptions {
  readonly counter?: StatementCounter
}

/**
 * Opens `sqlite:///absolute/path` or `sqlite://` (memory); the SQLAlchemy forms that nova.conf uses.
 * One connection: transactions run one after the other on it, and a plain statement waits for the open transaction.
 */
export function openDatabase<Tables>(url: string, options: OpenOptions = {}): Database<Tables> {
  const match = /^sqlite:\/\/(?:\/(.*))?$/.exec(url)
  if (match === null) throw new Error(`unsupported database URL scheme: ${url.split(':')[0]}`)
  const path = match[1] === undefined || match[1] === '' ? ':memory:' : match[1]
  const { counter } = options
  return new Kysely<Tables>({
    dialect: sqliteDialect(path),
    ...(counter === undefined
      ? {}
      : {
          log: event => {
            if (event.level === 'query') counter.note(event.query.sql)
          },
        }),
  })
}
