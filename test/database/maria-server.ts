/**
 * A MariaDB server of a test's own, below a folder and on a unix socket, from Debian's mariadb-server-core.
 *
 * The folder of system tables takes seconds to make; it is made once per version and copied. The server ends with the
 * process that started it, however that ends.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '#base'

const root = join(import.meta.dirname, '../..')
const program = '/usr/sbin/mariadbd'

/** What a test needs no proof of: that the machine may lose its power. */
const settings = [
  '--no-defaults',
  '--user=root',
  '--skip-networking',
  '--skip-name-resolve',
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-doublewrite=0',
  '--innodb-file-per-table=0',
  '--innodb-buffer-pool-size=64M',
  '--innodb-log-file-size=16M',
  '--performance-schema=0',
  '--key-buffer-size=1M',
  '--max-connections=500',
]

/** System tables without users' passwords: the socket is in a folder of our own. */
function systemTables(): string {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).match(/Ver (\S+)/)?.[1] ?? 'unknown'
  const cache = join(root, 'node_modules/.cache/mariadb')
  const made = join(cache, version)
  if (existsSync(made)) return made
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'new-'))
  execFileSync(
    'mariadb-install-db',
    [
      '--no-defaults',
      `--datadir=${folder}`,
      '--user=root',
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--innodb-log-file-size=16M',
    ],
    { stdio: 'ignore' },
  )
  try {
    renameSync(folder, made)
  } catch {
    // Another process was faster.
    rmSync(folder, { recursive: true })
  }
  return made
}

export interface MariaServer {
  readonly socket: string
  /** Of the process that runs now. */
  readonly pid: number
  /** What a `connection` of nova.conf says for a database of this server. */
  url(database: string): string
  /** kill -9. */
  kill(): Promise<void>
  /** After `kill`, on the same data. */
  start(): Promise<void>
  stop(): Promise<void>
}

export async function startMariaServer(folder: string, more: readonly string[] = []): Promise<MariaServer> {
  const data = join(folder, 'data')
  const socket = join(folder, 'sock')
  const log = join(folder, 'log.err')
  cpSync(systemTables(), data, { recursive: true })
  let child: ChildProcess | undefined
  const start = async () => {
    const args = [...settings, `--datadir=${data}`, `--socket=${socket}`, `--log-error=${log}`, ...more]
    // The kernel ends it with this process.
    const server = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: 'ignore' })
    server.unref()
    child = server
    await waitFor(
      'MariaDB to start',
      () => {
        if (server.exitCode !== null) throw new Error(`mariadbd ended: ${readFileSync(log, 'utf8').slice(-2000)}`)
        const isReady = existsSync(log) && readFileSync(log, 'utf8').includes('ready for connections')
        return isReady || undefined
      },
      { deadlineMs: 30_000 },
    )
  }
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const server = child
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.ref()
    server.kill(signal)
    await ended
    // Of its last life, so that the next one's is waited for.
    rmSync(log, { force: true })
  }
  await start()
  return {
    socket,
    get pid() {
      if (child?.pid === undefined) throw new Error('MariaDB does not run')
      return child.pid
    },
    url: database => `mysql+pymysql://root@localhost/${database}?charset=utf8mb4&unix_socket=${socket}`,
    kill: () => end('SIGKILL'),
    start,
    stop: () => end('SIGTERM'),
  }
}
