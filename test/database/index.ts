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

let server: Promise<Pick<MariaServer, 'url'>> | undefined

/** The one that this process has for all its tests. */
function ourServer(): Promise<Pick<MariaServer, 'url'>> {
  const socket = process.env['NOVA_TEST_DATABASE_SOCKET']
  if (socket !== undefined) return Promise.resolve({ url: socketUrl(socket) })
  const folder = mkdtempSync(join(fastFolder(), 'maria-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return startMariaServer(folder)
}

const made = new Map<string, Promise<string>>()

async function make(name: string): Promise<string> {
  server ??= ourServer()
  const url = (await server).url(name)
  await createDatabase(url)
  return url
}

process.once('beforeExit', async () => {
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
  return named(`test_${process.pid}_${place}_${name}`)
}
