import { join } from 'node:path'
import { declareFault } from '#base'
import type { Config } from '#config'
import { openStore, type Store } from '#store'

/** A database of a one-machine cloud. */
export const databaseUrl = (stateDir: string, name: string): string => `sqlite:///${join(stateDir, `${name}.sqlite`)}`

export const DatabaseUnusable = declareFault('DatabaseUnusable', 'final', (p: { reason: string }) => p.reason)

export const isSqlite = (config: Config): boolean => config.database.connection?.startsWith('sqlite:') === true

/** The database that [database]connection names, on its newest schema. */
export async function openDatabase(config: Config): Promise<Store> {
  const { connection } = config.database
  if (connection === null) throw DatabaseUnusable({ reason: '[database] connection is not set in nova.conf.' })
  const api = config.api_database.connection
  if (api !== null && api !== connection) {
    const reason =
      '[api_database] connection differs from [database] connection: this release keeps both in one database.'
    throw DatabaseUnusable({ reason })
  }
  if (!isSqlite(config)) {
    const scheme = connection.split(':')[0] ?? ''
    throw DatabaseUnusable({
      reason: `[database] connection ${scheme}://… is not supported by this release; use sqlite:///file.`,
    })
  }
  try {
    return await openStore(connection)
  } catch (error) {
    throw DatabaseUnusable({ reason: `The database cannot be opened: ${(error as Error).message}` }, { cause: error })
  }
}
