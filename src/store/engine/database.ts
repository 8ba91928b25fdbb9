import { type Dialect, Kysely } from 'kysely'
import { readDatabaseUrl } from './address.ts'
import { mysqlDialect } from './mysql/dialect.ts'
import type { DatabaseOptions } from './options.ts'
import { sqliteDialect } from './sqlite-dialect.ts'

export type Database<Tables> = Kysely<Tables>

function dialectOf(url: string, options: DatabaseOptions): Dialect {
  const address = readDatabaseUrl(url, options.parameters)
  return address.kind === 'sqlite'
    ? sqliteDialect(address.path, options.isSynchronous ?? true)
    : mysqlDialect(address, options)
}

/**
 * Opens the database of a URL in the forms of SQLAlchemy that nova.conf uses.
 *
 * `sqlite:///path`, `sqlite://` (memory): one connection; transactions run one after the other on it, and a plain statement
 * waits for the open transaction. `mysql+pymysql://user:password@host:port/name`: a pool of connections, made when they are
 * needed.
 */
export function openDatabase<Tables>(url: string, options: DatabaseOptions = {}): Database<Tables> {
  const { counter } = options
  return new Kysely<Tables>({
    dialect: dialectOf(url, options),
    ...(counter === undefined
      ? {}
      : {
          log: event => {
            if (event.level === 'query') counter.note(event.query.sql)
          },
        }),
  })
}
