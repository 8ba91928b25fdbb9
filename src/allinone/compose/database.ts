import { join } from 'node:path'
import { declareFault, Fault, type Log } from '#base'
import type { Config } from '#config'
import {
  openApiStore,
  openStore,
  type SchemaName,
  type Store,
  type StoreOptions,
  schemaVersion,
  syncSchema,
} from '#store'
import { type DatabaseOptions, type MysqlAddress, readDatabaseUrl } from '#store/engine'
import { secondsOf } from './shared.ts'

/** A database of a one-machine cloud. */
export const databaseUrl = (stateDir: string, name: string): string => `sqlite:///${join(stateDir, `${name}.sqlite`)}`

export const DatabaseUnusable = declareFault('DatabaseUnusable', 'final', (p: { reason: string }) => p.reason)

export const isSqlite = (config: Config): boolean => config.database.connection?.startsWith('sqlite:') === true

/** What `[database]` or `[api_database]` says about connections. */
export function databaseOptions(section: Config['database'] | Config['api_database'], log?: Log): DatabaseOptions {
  const { pool_timeout: wait, mysql_wsrep_sync_wait: wsrep } = section
  const ms = (seconds: number) => (seconds < 0 ? seconds : secondsOf(seconds))
  return {
    ...(log === undefined ? {} : { log }),
    maxPoolSize: section.max_pool_size,
    maxOverflow: section.max_overflow,
    ...(wait === null ? {} : { poolTimeoutMs: ms(wait) }),
    recycleMs: ms(section.connection_recycle_time),
    startTries: section.max_retries,
    startPauseMs: ms(section.retry_interval),
    tries: section.db_max_retries,
    pauseMs: ms(section.db_retry_interval),
    pauseGrows: section.db_inc_retry_interval,
    longestPauseMs: ms(section.db_max_retry_interval),
    sqlMode: section.mysql_sql_mode,
    ...(wsrep === null ? {} : { wsrepSyncWait: wsrep }),
    parameters: section.connection_parameters,
    isSynchronous: section.sqlite_synchronous,
  }
}

const serverOf = ({ host, port, socketPath }: MysqlAddress): string => socketPath ?? `${host}:${port}`

/**
 * Where the API's tables are, when not with the cell's. In another database of the same server what belongs to both is still
 * one transaction; on another server it is not.
 */
function apiTablesOf(config: Config, connection: string, log?: Log): Pick<StoreOptions, 'apiDatabase' | 'apiServer'> {
  const api = config.api_database.connection ?? config.database.connection
  if (api === null || api === connection) return {}
  const [cell, other] = [readDatabaseUrl(connection), readDatabaseUrl(api)]
  if (cell.kind === 'mysql' && other.kind === 'mysql' && serverOf(cell) === serverOf(other))
    return cell.database === other.database ? {} : { apiDatabase: other.database }
  const section = config.api_database.connection === null ? config.database : config.api_database
  return { apiServer: { url: api, options: databaseOptions(section, log) } }
}

/** A cell's database that is away is not waited for: others are asked meanwhile. */
const impatient = { startTries: 1, tries: 3, pauseMs: 200, longestPauseMs: 1000 } as const

/** The database of another cell than the one of [database]connection. */
export const openCellDatabase = (config: Config, connection: string, log?: Log): Promise<Store> =>
  openStore(connection, {
    ...databaseOptions(config.database, log),
    ...impatient,
    ...apiTablesOf(config, connection, log),
  })

/** The database that [database]connection names, on its newest schema. */
export async function openDatabase(config: Config, log?: Log): Promise<Store> {
  const { connection, slave_connection: replica, synchronous_reader: isSynchronous } = config.database
  if (connection === null) throw DatabaseUnusable({ reason: '[database] connection is not set in nova.conf.' })
  try {
    return await openStore(connection, {
      ...databaseOptions(config.database, log),
      ...apiTablesOf(config, connection, log),
      ...(replica === null ? {} : { replica: { url: replica, servesLists: !isSynchronous } }),
    })
  } catch (error) {
    throw unusable(error)
  }
}

function unusable(error: unknown): Fault {
  if (DatabaseUnusable.is(error)) return error
  const why = error instanceof Fault && error.detail !== undefined ? error.detail : (error as Error).message
  return DatabaseUnusable({ reason: `The database cannot be opened: ${why}` }, { cause: error })
}

/** Where the API's tables are: `[api_database] connection`, or with the cell's. */
export const apiDatabaseUrl = (config: Config): string | null =>
  config.api_database.connection ?? config.database.connection

/** What is done with one schema of one database, whatever else is in it. */
export function schemasOf(config: Config, log: Log) {
  const placeOf = (schema: SchemaName, url: string) => {
    const section = schema === 'api' && config.api_database.connection !== null ? config.api_database : config.database
    return { url, options: { ...databaseOptions(section, log), ...impatient } }
  }
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw error instanceof Fault && error.kind === 'refused' ? error : unusable(error)
    }
  }
  return {
    async openApiStore() {
      const url = apiDatabaseUrl(config)
      if (url === null) throw DatabaseUnusable({ reason: '[api_database] connection is not set in nova.conf.' })
      const { options } = placeOf('api', url)
      return told(openApiStore(url, options))
    },
    syncSchema: (schema: SchemaName, url: string, version?: string) =>
      told(syncSchema(schema, placeOf(schema, url), version)),
    schemaVersion: (schema: SchemaName, url: string) => told(schemaVersion(schema, placeOf(schema, url))),
  }
}
