/** A private RabbitMQ: own node, own folder, own cookie, loopback only; ends with the test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '#base'

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('no port')
    ports.push(address.port)
  }
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return ports
}

/** RabbitMQ's definitions: what `rabbitmqctl import_definitions` takes. */
export type Definitions = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

export function brokerUser(name: string, password: string, tags: readonly string[] = []) {
  const salt = randomBytes(4)
  const hash = createHash('sha256').update(salt).update(password).digest()
  return {
    name,
    password_hash: Buffer.concat([salt, hash]).toString('base64'),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags,
  }
}

/** One user who may do everything, on these virtual hosts beside the usual one. */
export const oneUser = (virtualHosts: readonly string[]): Definitions => ({
  users: [brokerUser('nova', 'secret')],
  vhosts: ['/', ...virtualHosts].map(name => ({ name })),
  permissions: ['/', ...virtualHosts].map(vhost => ({
    user: 'nova',
    vhost,
    configure: '.*',
    write: '.*',
    read: '.*',
  })),
})

export interface BrokerOptions {
  readonly definitions?: Definitions
  /** Lines of rabbitmq.conf; `PORT` is the port with TLS. */
  readonly config?: string
  /** Empty, and the broker's from then on; a new one of its own otherwise. */
  readonly folder?: string
}

/** Debian's wrappers would change the user; these are what they call. */
const program = (name: 'rabbitmq-server' | 'rabbitmqctl'): string => {
  const [found] = globSync(`/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/${name}`)
  if (found === undefined) throw new Error('rabbitmq-server is not installed: npm test installs it')
  return found
}

/** All that was published, over all protocols. */
const published = `lists:sum([maps:get(messages_received_total, M, 0) || {_, M} <- maps:to_list(rabbit_global_counters:overview())]).`

export class Broker {
  readonly folder: string
  readonly port: number
  readonly tlsPort: number
  readonly #epmdPort: number
  readonly #distPort: number
  #epmd: ChildProcess | undefined
  #server: ChildProcess | undefined

  private constructor(folder: string, [port = 0, tlsPort = 0, epmdPort = 0, distPort = 0]: readonly number[]) {
    this.folder = folder
    this.port = port
    this.tlsPort = tlsPort
    this.#epmdPort = epmdPort
    this.#distPort = distPort
  }

  static async start({ definitions = oneUser(['cell1']), config = '', folder }: BrokerOptions = {}): Promise<Broker> {
    const broker = new Broker(folder ?? mkdtempSync(join(tmpdir(), 'nova-rabbit-')), await freePorts(4))
    const file = (name: string) => join(broker.folder, name)
    writeFileSync(file('definitions.json'), JSON.stringify(definitions))
    writeFileSync(file('enabled_plugins'), '[].')
    writeFileSync(
      file('rabbitmq.conf'),
      `listeners.tcp.1 = 127.0.0.1:${broker.port}
load_definitions = ${file('definitions.json')}
log.console = true
log.console.level = warning
${config.replaceAll('PORT', String(broker.tlsPort))}
`,
    )
    try {
      await broker.run()
    } catch (error) {
      await broker.close()
      throw error
    }
    return broker
  }

  #environment(): NodeJS.ProcessEnv {
    const { folder } = this
    return {
      ...process.env,
      HOME: folder,
      ERL_EPMD_PORT: String(this.#epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: 'nova@localhost',
      RABBITMQ_DIST_PORT: String(this.#distPort),
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_LOG_BASE: folder,
      // Two schedulers that do not spin: it shares the machine.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
        '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
      RUNNING_UNDER_SYSTEMD: 'true',
    }
  }

  /** Of the same broker, with all that it had kept. */
  async run(): Promise<void> {
    const { folder } = this
    const env = this.#environment()
    const log = openSync(join(folder, 'log'), 'a')
    const stdio = ['ignore', log, log] as const
    const owned = (command: string, ...args: string[]) =>
      spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], { stdio: [...stdio], env, cwd: folder })
    this.#epmd ??= owned('epmd', '-port', String(this.#epmdPort), '-address', '127.0.0.1')
    const server = owned(program('rabbitmq-server'))
    this.#server = server
    closeSync(log)
    await waitFor(
      'RabbitMQ to start',
      async () => {
        if (server.exitCode !== null) throw new Error(`RabbitMQ ended: ${readFileSync(join(folder, 'log'), 'utf8')}`)
        return (await answers(this.port)) || undefined
      },
      { deadlineMs: 300_000, everyMs: 100 },
    )
  }

  /** A quorum queue is safe half a second after it was made, when RabbitMQ has written down where it is. */
  async keeps(queue: string): Promise<void> {
    const [file = ''] = globSync(join(this.folder, 'mnesia/*/quorum/*/names.dets'))
    await waitFor(`${queue} to be written down`, () => readFileSync(file).includes(queue) || undefined, {
      deadlineMs: 60_000,
    })
  }

  get pid(): number {
    if (this.#server?.pid === undefined) throw new Error('RabbitMQ does not run')
    return this.#server.pid
  }

  /** Messages that it has taken since its start. */
  async publishedMessages(): Promise<number> {
    const args = ['--node', 'nova@localhost', 'eval', published]
    const { stdout } = await promisify(execFile)(program('rabbitmqctl'), args, { env: this.#environment() })
    return Number(stdout)
  }

  /** At once, as by a power cut. */
  async kill(): Promise<void> {
    await end(this.#server)
  }

  async close(): Promise<void> {
    await this.kill()
    await end(this.#epmd)
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** `transport_url`. */
  url(user = 'nova', password = 'secret', virtualHost = ''): string {
    return `rabbit://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${virtualHost}`
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const done = (found: boolean) => () => {
      socket.destroy()
      resolve(found)
    }
    socket.once('connect', done(true))
    socket.once('error', done(false))
  })

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
