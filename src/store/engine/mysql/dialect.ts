import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  type QueryExecutorProvider,
  type TransactionSettings,
} from 'kysely'
import type { MysqlAddress } from '../address.ts'
import { type DatabaseOptions, poolRules, retryRules } from '../options.ts'
import { PortableMysqlCompiler } from './compiler.ts'
import { makeOwnTables } from './own-tables.ts'
import { Pool } from './pool.ts'
import { Session } from './session.ts'

/** By it the engine's functions know what they have before them. */
export class PooledMysql extends MysqlAdapter {
  readonly pool: Pool

  constructor(pool: Pool) {
    super()
    this.pool = pool
  }
}

class SessionDriver implements Driver {
  readonly #pool: Pool
  readonly #ownsPool: boolean
  readonly #make: () => Session

  constructor(pool: Pool, ownsPool: boolean, make: () => Session) {
    this.#pool = pool
    this.#ownsPool = ownsPool
    this.#make = make
  }

  async init(): Promise<void> {
    // Whoever says something first connects.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#pool.takeSeat()
    return this.#make()
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return sessionOf(connection).begin(settings)
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return sessionOf(connection).commit()
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return sessionOf(connection).rollback()
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    sessionOf(connection).release()
  }

  async destroy(): Promise<void> {
    if (this.#ownsPool) await this.#pool.close()
  }
}

function sessionOf(connection: DatabaseConnection): Session {
  if (connection instanceof Session) return connection
  throw new Error('a connection of another driver')
}

const dialectOn = (pool: Pool, ownsPool: boolean, make: () => Session): Dialect => ({
  createDriver: () => new SessionDriver(pool, ownsPool, make),
  createQueryCompiler: () => new PortableMysqlCompiler(pool.elsewhere),
  createAdapter: () => new PooledMysql(pool),
  createIntrospector: (db: Kysely<unknown>) => new MysqlIntrospector(db),
})

export function mysqlDialect(address: MysqlAddress, options: DatabaseOptions): Dialect {
  const { sqlMode = 'TRADITIONAL', wsrepSyncWait, elsewhere } = options
  const pool = new Pool({
    address,
    settings: { sqlMode: sqlMode === '' ? null : sqlMode, wsrepSyncWait: wsrepSyncWait ?? null },
    elsewhere:
      elsewhere === undefined ? undefined : { database: elsewhere.database, tables: new Set(elsewhere.tables) },
    rules: poolRules(options),
    retry: retryRules(options),
    log: options.log,
    // A replica has them from its primary.
    prepare: options.isReplica === true ? async () => undefined : makeOwnTables,
  })
  return dialectOn(pool, true, () => new Session(pool))
}

/** The same database for who repeats what a crash may have left half done. */
export const repeatingDialect = (pool: Pool, make: () => Session): Dialect => dialectOn(pool, false, make)

/** The pool behind a database of the MySQL family; undefined for any other. */
export function poolOf(db: QueryExecutorProvider): Pool | undefined {
  const { adapter } = db.getExecutor()
  return adapter instanceof PooledMysql ? adapter.pool : undefined
}
