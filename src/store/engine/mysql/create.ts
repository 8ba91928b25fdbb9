import { type MysqlAddress, nameOfDatabase, readDatabaseUrl } from '../address.ts'
import { BadDatabaseUrl } from '../faults.ts'
import { Wire } from './wire.ts'

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

async function onServer(url: string, work: (wire: Wire, address: MysqlAddress) => Promise<void>): Promise<void> {
  const address = readDatabaseUrl(url)
  if (address.kind !== 'mysql') return
  // This one is there on every server, and every user may look into it.
  const at = { ...address, database: 'information_schema' }
  const wire = await Wire.open(at, { sqlMode: null, wsrepSyncWait: null }, Date.now())
  try {
    await work(wire, address)
  } finally {
    await wire.end()
  }
}

/** Makes the database of this URL where there is none; one in a file comes by itself. */
export const createDatabase = (url: string): Promise<void> =>
  onServer(url, async (wire, address) => {
    const { database } = address
    const there = await wire.run('select 1 from schemata where schema_name = ?', [database])
    if (there.rows.length > 0) return
    try {
      await wire.say(`create database if not exists ${quoted(database)} character set utf8mb4`)
    } catch (error) {
      const reason = `${nameOfDatabase(address)} does not exist, and its user may not create it`
      throw BadDatabaseUrl({ reason }, { cause: error })
    }
  })

export const dropDatabase = (url: string): Promise<void> =>
  onServer(url, async (wire, { database }) => {
    await wire.say(`drop database if exists ${quoted(database)}`)
  })
