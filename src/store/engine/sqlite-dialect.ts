import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { SqliteFile } from './sqlite.ts'

/**
 * SQLite for kysely, over one connection that whoever comes first gets first.
 *
 * kysely's own dialect guards its one connection by a lock that wakes every waiter at each release and lets the luckiest
 * have it: with 50 requests at a time each statement woke 50 functions, and some requests waited for seconds.
 */
export const sqliteDialect = (path: string, isSynchronous: boolean): Dialect => ({
  createDriver: () => new OneConnection(path, isSynchronous),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new QueuedAdapter(),
  createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
})

/** True, so that kysely's lock stays away; the driver queues. */
class QueuedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class FileConnection implements DatabaseConnection {
  readonly file: SqliteFile

  constructor(file: SqliteFile) {
    this.file = file
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return this.file.execute<R>(sql, parameters)
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }
}

class OneConnection implements Driver {
  readonly #connection: FileConnection
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  constructor(path: string, isSynchronous: boolean) {
    this.#connection = new FileConnection(new SqliteFile(path, isSynchronous))
  }

  async init(): Promise<void> {
    // The file is open already: a path that cannot be opened is told by whoever opens it.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isTaken) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#isTaken = true
    return this.#connection
  }

  /** Handed over, not freed, so nobody can slip in between. */
  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    if (next === undefined) this.#isTaken = false
    else next()
  }

  /**
   * With the right to write from the start: one that reads first and then finds that another process has written in
   * between is refused at once, however long it may wait.
   */
  async beginTransaction(): Promise<void> {
    this.#connection.file.control('begin immediate')
  }

  async commitTransaction(): Promise<void> {
    this.#connection.file.control('commit')
  }

  async rollbackTransaction(): Promise<void> {
    this.#connection.file.control('rollback')
  }

  async destroy(): Promise<void> {
    this.#connection.file.close()
  }
}
