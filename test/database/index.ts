/**
 * Databases for tests, on the engine that the environment names: SQLite, or with NOVA_TEST_DATABASE=mysql MariaDB, on a
 * private server that this process starts, or on the one whose socket NOVA_TEST_DATABASE_SOCKET names (`npm run
 * test:mariadb` has one for all its files).
 *
 *     const url = await freshDatabase()              // nobody else's, empty
 *     const url = await databaseAt(folder, 'nova')   // the same one for the same folder and name
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, dropDatabase } from '#store/engine'
import { type MariaServer, startMariaServer } from './maria-server.ts'

export const isOnMysql = process.env['NOVA_TEST_DATABASE'] === 'mysql'

const socketUrl = (socket: string) => (database: string) =>
  `mysql+pymysql://root@localhost/${database}?charset=utf8mb4&unix_socket=${socket}`

/** In memory where the machine has such a folder: a schema is many small files, each of which waits for the disk. */
export function fastFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

/** The one that this process, and those that it starts, have for all their tests. */
async function ourServer(): Promise<Pick<MariaServer, 'url'>> {
  const known = process.env['NOVA_TEST_DATABASE_SOCKET']
  process.env['NOVA_TEST_DATABASE_OWNER'] ??= String(process.pid)
  if (known !== undefined) return { url: socketUrl(known) }
  const folder = mkdtempSync(join(fastFolder(), 'maria-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const started = await startMariaServer(folder)
  process.env['NOVA_TEST_DATABASE_SOCKET'] = started.socket
  return started
}

/** Before any test begins: processes that it starts find the server by their environment. */
const server = isOnMysql ? await ourServer() : undefined

const made = new Map<string, Promise<string>>()

async function make(name: string): Promise<string> {
  if (server === undefined) throw new Error('the tests run on SQLite')
  const url = server.url(name)
  await createDatabase(url)
  return url
}

process.once('beforeExit', async () => {
  if (process.env['NOVA_TEST_DATABASE_OWNER'] !== String(process.pid)) return
  for (const url of made.values()) await dropDatabase(await url)
  made.clear()
})

let number = 0

function named(name: string): Promise<string> {
  const known = made.get(name) ?? make(name)
  made.set(name, known)
  return known
}

export async function freshDatabase(): Promise<string> {
  if (!isOnMysql) return 'sqlite://'
  number++
  return named(`test_${process.pid}_${number}`)
}

export async function databaseAt(folder: string, name: string): Promise<string> {
  if (!isOnMysql) return `sqlite:///${join(folder, `${name}.sqlite`)}`
  const place = createHash('sha1').update(folder).digest('hex').slice(0, 12)
  return named(`test_${place}_${name}`)
}
