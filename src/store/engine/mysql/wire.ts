import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket } from 'mysql2'
import { newUuid } from '#base'
import type { DatabaseTls, MysqlAddress } from '../address.ts'
import { troubleOf } from './errors.ts'

export interface Reply {
  readonly rows: readonly unknown[]
  /** Undefined for a statement that answers rows. */
  readonly affected?: bigint
  readonly insertId?: bigint
}

/** What every connection is told before its first statement. */
export interface SessionSettings {
  /** Null leaves the server's own. */
  readonly sqlMode: string | null
  readonly wsrepSyncWait: number | null
}

/**
 * Statements that a connection keeps prepared. The server has a bound for all connections together, 16382 by default, and a
 * farm has hundreds of connections.
 */
const keptStatements = 200

/** A transaction whose client says nothing for so long holds its locks no longer: the client's machine may be dead. */
const idleTransactionSeconds = 60

const defaultConnectMs = 10_000

function authorities({ ca, caFolder }: DatabaseTls): Buffer[] {
  const files = caFolder === undefined ? [] : readdirSync(caFolder).map(name => join(caFolder, name))
  return [...(ca === undefined ? [] : [ca]), ...files].map(file => readFileSync(file))
}

function tlsOptions(tls: DatabaseTls): NonNullable<ConnectionOptions['ssl']> {
  const ca = authorities(tls)
  return {
    ...(ca.length === 0 ? {} : { ca }),
    ...(tls.cert === undefined ? {} : { cert: readFileSync(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: readFileSync(tls.key) }),
    ...(tls.cipher === undefined ? {} : { ciphers: tls.cipher }),
    rejectUnauthorized: tls.isVerified,
    verifyIdentity: tls.checksName,
  }
}

const optionsOf = (a: MysqlAddress): ConnectionOptions => ({
  ...(a.socketPath === undefined ? { host: a.host, port: a.port } : { socketPath: a.socketPath }),
  ...(a.user === undefined ? {} : { user: a.user }),
  ...(a.password === undefined ? {} : { password: a.password }),
  database: a.database,
  ...(a.tls === undefined ? {} : { ssl: tlsOptions(a.tls) }),
  connectTimeout: a.connectTimeoutMs ?? defaultConnectMs,
  // Comparisons of texts by their code points, as SQLite makes them.
  charset: 'UTF8MB4_BIN',
  // An update counts the rows that it found, whether or not they had the values already: what compare-and-set asks.
  flags: ['+FOUND_ROWS', '-IGNORE_SPACE'],
  supportBigNumbers: true,
  decimalNumbers: true,
  maxPreparedStatements: keptStatements,
  connectAttributes: { program_name: 'nova' },
})

/** One connection to the server. */
export class Wire {
  /** Of this connection's rows in the table of commits. */
  readonly id = newUuid()
  readonly openedMs: number
  usedMs: number
  /** Transactions that it has committed. */
  commits = 0
  #isBroken = false
  readonly #connection: Connection

  private constructor(connection: Connection, nowMs: number) {
    this.#connection = connection
    this.openedMs = nowMs
    this.usedMs = nowMs
    connection.on('error', () => {
      this.#isBroken = true
    })
    connection.on('end', () => {
      this.#isBroken = true
    })
  }

  static async open(address: MysqlAddress, settings: SessionSettings, nowMs: number): Promise<Wire> {
    const { createConnection } = await import('mysql2')
    const connection = createConnection(optionsOf(address))
    // It may tell of its end more than once, and what nobody hears ends the process.
    connection.on('error', () => undefined)
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject)
      connection.once('connect', () => {
        connection.off('error', reject)
        resolve()
      })
    })
    const wire = new Wire(connection, nowMs)
    try {
      await wire.#settle(settings)
    } catch (error) {
      wire.close()
      throw error
    }
    return wire
  }

  async #settle({ sqlMode, wsrepSyncWait }: SessionSettings): Promise<void> {
    await this.say('set session transaction isolation level read committed')
    // For MariaDB only; MySQL takes it for a comment.
    await this.say(`set autocommit = 1 /*M!100300 , idle_transaction_timeout = ${idleTransactionSeconds} */`)
    if (sqlMode !== null) await this.run('set session sql_mode = ?', [sqlMode])
    if (wsrepSyncWait !== null) await this.run('set session wsrep_sync_wait = ?', [wsrepSyncWait])
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  /** One statement with its values. */
  run(sql: string, values: readonly unknown[] = []): Promise<Reply> {
    return this.#ask(done => this.#connection.execute<RowDataPacket[] | ResultSetHeader>(sql, asValues(values), done))
  }

  /** A few words without values: the beginning or the end of a transaction. */
  say(sql: string): Promise<Reply> {
    return this.#ask(done => this.#connection.query<RowDataPacket[] | ResultSetHeader>(sql, done))
  }

  #ask(send: (done: (error: Error | null, result: RowDataPacket[] | ResultSetHeader) => void) => void): Promise<Reply> {
    return new Promise((resolve, reject) => {
      send((error, result) => {
        if (error === null) return resolve(replyOf(result))
        if (troubleOf(error) === 'lost') this.#isBroken = true
        reject(error)
      })
    })
  }

  /** Without waiting for an answer; what it was doing is undone by the server. */
  close(): void {
    this.#isBroken = true
    this.#connection.destroy()
  }

  /** Says goodbye. */
  async end(): Promise<void> {
    this.#isBroken = true
    await new Promise<void>(resolve => this.#connection.end(() => resolve()))
  }
}

const asValues = (values: readonly unknown[]): (string | number | bigint | boolean | Buffer | null)[] =>
  values.map(value => (value === undefined ? null : (value as string | number | null)))

function replyOf(result: RowDataPacket[] | ResultSetHeader): Reply {
  if (Array.isArray(result)) return { rows: result }
  return { rows: [], affected: BigInt(result.affectedRows), insertId: BigInt(result.insertId) }
}
