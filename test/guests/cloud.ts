import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { fromJson, waitFor } from '#base'
import { CloudApi, type Server } from './cloud-api.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const program = join(root, 'src/bin/nova-allinone.ts')
const standardPrefix = 'nova-guests-'

/** What the program prints when it is ready. */
export interface Ready {
  readonly urls: Readonly<Record<string, string>>
  readonly openrc: string
  readonly clouds_yaml: string
  readonly key_file: string
  readonly servers: readonly { name: string; status: string; addresses: readonly string[] }[]
  readonly pid: number
}

/** Not TMPDIR: what a killed run leaves there must be found by the next one. */
const parent = '/var/tmp'

/** A folder whose name says which process it belongs to. */
export const cloudFolder = (prefix: string): string => mkdtempSync(join(parent, `${prefix}${process.pid}-`))

/** Takes a cloud that does not run off the machine. */
export async function destroyCloudOf(stateDir: string): Promise<void> {
  await run(process.execPath, [program, '--state', stateDir, '--destroy'])
}

/**
 * Clouds of test runs that were killed: their folders tell of them, their guests and bridges may still be there. Clouds of
 * living processes are in use also while they are stopped.
 */
export async function removeLeftovers(prefix = standardPrefix): Promise<void> {
  const isLeft = (name: string) => {
    const pid = name.startsWith(prefix) ? /^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1] : undefined
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  }
  for (const name of readdirSync(parent).filter(isLeft)) {
    await destroyCloudOf(join(parent, name))
  }
}

/** As `openstack server show` tells of one: with bare addresses. */
export interface NamedServer extends Omit<Server, 'addresses'> {
  readonly addresses: Record<string, string[]>
}

/** A cloud of its own for a test: own folder, own ports, real guests. Ends with the test's process. */
export class TestCloud {
  readonly stateDir: string
  readonly #offset: number
  readonly #more: readonly string[]
  #api: CloudApi | undefined
  #child: ChildProcess | undefined
  ready: Ready | undefined
  errors = ''

  /** `more`: options for every call, also the one that takes the cloud down. */
  constructor(offset: number, stateDir = cloudFolder(standardPrefix), more: readonly string[] = []) {
    this.stateDir = stateDir
    this.#offset = offset
    this.#more = more
  }

  get #arguments(): string[] {
    return [program, '--state', this.stateDir, '--offset', String(this.#offset), '--json', ...this.#more]
  }

  /** Resolves when the cloud says that it is ready. */
  async start(...more: string[]): Promise<Ready> {
    this.errors = ''
    this.#api = undefined
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, ...this.#arguments, ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr.on('data', (text: Buffer) => {
      this.errors += text.toString()
    })
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve)
      child.once('exit', code => reject(new Error(`the cloud ended with ${code}: ${this.errors}`)))
    })
    this.ready = fromJson<Ready>(line)
    return this.ready
  }

  /** Ends the control plane. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await ended
    this.#child = undefined
  }

  /** Takes everything off the machine; part of every test's end, also of a failed one. */
  async destroy(): Promise<void> {
    await this.stop('SIGKILL')
    await run(process.execPath, [...this.#arguments, '--destroy'])
  }

  log(): string {
    return readFileSync(join(this.stateDir, 'nova.log'), 'utf8')
  }

  /** For the client: this cloud, and none of the OS_… variables that whoever runs the tests may have sourced. */
  clientEnvironment(): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('OS_'))
    return { ...Object.fromEntries(own), OS_CLIENT_CONFIG_FILE: this.ready?.clouds_yaml ?? '', OS_CLOUD: 'nova' }
  }

  /** One `openstack` command with Debian's client; the answer as it prints it. */
  async openstack(...args: string[]): Promise<string> {
    const { stdout } = await run('openstack', args, { env: this.clientEnvironment() })
    return stdout.trim()
  }

  /** The same, with `-f json`. */
  async json<T>(...args: string[]): Promise<T> {
    return fromJson<T>(await this.openstack(...args, '-f', 'json'))
  }

  /** Fails when the command succeeds; returns what it printed on stderr. */
  async refused(...args: string[]): Promise<string> {
    try {
      await this.openstack(...args)
    } catch (error) {
      return (error as { stderr?: string }).stderr ?? ''
    }
    throw new Error(`openstack ${args.join(' ')} was not refused`)
  }

  async ssh(address: string, command: string): Promise<string> {
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
      'ConnectTimeout=5',
      'LogLevel=ERROR',
    ]
    const flags = options.flatMap(option => ['-o', option])
    const { stdout } = await run('ssh', [...flags, '-i', this.ready?.key_file ?? '', `cirros@${address}`, command])
    return stdout.trim()
  }

  /** For looking at a cloud, where it is not the client that is tried. */
  async api(): Promise<CloudApi> {
    if (this.ready === undefined) throw new Error('the cloud has not been started')
    this.#api ??= await CloudApi.open(this.ready)
    return this.#api
  }

  async server(name: string): Promise<NamedServer> {
    const path = `/servers/detail?name=${encodeURIComponent(`^${name}$`)}`
    const { servers } = await (await this.api()).call<{ servers: Server[] }>('compute', 'GET', path)
    const [server] = servers
    if (server === undefined) throw new Error(`there is no server ${name}`)
    const networks = Object.entries(server.addresses).map(([network, all]) => [network, all.map(({ addr }) => addr)])
    return { ...server, addresses: Object.fromEntries(networks) }
  }

  async whenStatus(name: string, status: string, deadlineMs = 120_000) {
    return waitFor(
      `${name} to be ${status}`,
      async () => {
        const server = await this.server(name)
        if (server.status === 'ERROR' && status !== 'ERROR') throw new Error(`${name}: ${server.fault?.message}`)
        return server.status === status ? server : undefined
      },
      { deadlineMs, everyMs: 200 },
    )
  }

  /** Waits for an image of the cloud's own; the kernel of cirros is compiled once per machine, for minutes. */
  async whenImage(name: string): Promise<void> {
    const api = await this.api()
    const path = `/v2/images?name=${name}`
    const isThere = async () =>
      (await api.call<{ images: { status: string }[] }>('image', 'GET', path)).images[0]?.status === 'active' ||
      undefined
    await waitFor(`the image ${name}`, isThere, { deadlineMs: 1_500_000, everyMs: 500 })
  }

  consoleLog(instanceId: string): string {
    return readFileSync(join(this.stateDir, 'instances', instanceId, 'console.log'), 'utf8')
  }

  /** Waits for a line with this text on the serial console; the log starts anew with every boot. */
  async whenConsole(instanceId: string, text: string, deadlineMs = 120_000): Promise<string> {
    return waitFor(
      `"${text}" on the console of ${instanceId}`,
      () =>
        this.consoleLog(instanceId)
          .split('\n')
          .find(line => line.includes(text)),
      { deadlineMs, everyMs: 100 },
    )
  }
}

/** As a person who knows only the password. */
export async function sshByPassword(address: string, password: string, command: string): Promise<string> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'PubkeyAuthentication=no']
  const flags = [...options, 'ConnectTimeout=5', 'LogLevel=ERROR'].flatMap(option => ['-o', option])
  const env = { ...process.env, SSHPASS: password }
  const { stdout } = await run('sshpass', ['-e', 'ssh', ...flags, `cirros@${address}`, command], { env })
  return stdout.trim()
}

export const pings = async (address: string): Promise<boolean> => {
  try {
    await run('ping', ['-c', '1', '-W', '1', address])
    return true
  } catch {
    return false
  }
}

/** Lines that a command prints, for counting what is left over. */
export const lines = async (command: string, ...args: string[]): Promise<readonly string[]> => {
  const { stdout } = await run(command, args)
  return stdout.split('\n').filter(line => line !== '')
}
