/** A cloud of separate processes: the built-in neighbours here, each Nova service as its own executable. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Closers, fromJson, waitFor } from '#base'
import { type BuiltIn, region, servicePassword, startBuiltIn } from '../cloud/neighbours.ts'

export const services = [
  'nova-api',
  'nova-api-metadata',
  'nova-api-os-compute',
  'nova-cells',
  'nova-compute',
  'nova-conductor',
  'nova-scheduler',
] as const
export type ServiceName = (typeof services)[number]

export const launcher = (name: string): string => resolve(import.meta.dirname, '../../bin', name)

/** Runs a launcher to its end. */
export async function runLauncher(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(launcher(name), args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => {
    output.stdout += String(chunk)
  })
  child.stderr.on('data', chunk => {
    output.stderr += String(chunk)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output }
}

interface LogLine {
  readonly msg: string
  readonly service?: string
  readonly port?: number
}

export interface ProcessPlace {
  /** What goes before its command, for a process in another network. */
  readonly within?: readonly string[]
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** One service: started, killed, started again, on one log file. */
export class ServiceProcess {
  readonly name: ServiceName
  readonly #configFile: string
  readonly logFile: string
  readonly #place: ProcessPlace
  #child: ChildProcess | undefined

  constructor(name: ServiceName, configFile: string, folder: string, place: ProcessPlace = {}) {
    this.#place = place
    this.name = name
    this.#configFile = configFile
    this.logFile = join(folder, `${name}.log`)
  }

  async start(): Promise<void> {
    const before = this.#said('service started').length
    const log = openSync(this.logFile, 'a')
    // It ends with the test, also with one that is killed.
    const command = [
      '--pdeathsig',
      'KILL',
      '--',
      ...(this.#place.within ?? []),
      launcher(this.name),
      '--config-file',
      this.#configFile,
    ]
    const env = { ...process.env, ...this.#place.env }
    const child = spawn('setpriv', command, { stdio: ['ignore', log, log], env })
    closeSync(log)
    this.#child = child
    await waitFor(
      `${this.name} to start`,
      () => {
        if (child.exitCode !== null) throw new Error(`${this.name} ended: ${readFileSync(this.logFile, 'utf8')}`)
        return this.#said('service started').length > before || undefined
      },
      { deadlineMs: 120_000 },
    )
  }

  #said(message: string): readonly LogLine[] {
    if (!existsSync(this.logFile)) return []
    const lines = readFileSync(this.logFile, 'utf8').split('\n')
    const records = lines
      .filter(line => line.startsWith('{') && line.endsWith('}'))
      .map(line => fromJson<LogLine>(line))
    return records.filter(record => record.msg === message)
  }

  /** Where the API of that name listens. */
  port(service: string): number {
    const line = this.#said('listening').findLast(record => record.service === service)
    if (line?.port === undefined) throw new Error(`${service} does not listen`)
    return line.port
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.name} does not run`)
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The exit code, or the signal that ended it. How quickly, `npm run bench` says. */
  async end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | string> {
    const child = this.#child
    if (child === undefined || !this.isRunning) return 'not running'
    child.kill(signal)
    return waitFor(`${this.name} to end`, () => child.exitCode ?? child.signalCode ?? undefined, { deadlineMs: 30_000 })
  }
}

export const credentials = (url: string): string => `auth_type = password
auth_url = ${url}
username = nova
password = ${servicePassword.replaceAll('$', '$$')}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = ${region}
`

export interface Cloud {
  readonly builtIn: BuiltIn
  readonly configFile: string
  readonly service: Readonly<Record<ServiceName, ServiceProcess>>
  close(): Promise<void>
}

/** Where the services meet; without it on sockets of their own. */
export interface CloudBus {
  readonly url: string
  /** Of nova-compute, when it may do less than the others. */
  readonly hostUrl?: string
}

export interface ConfText {
  readonly host?: string
  readonly transportUrl: string
  /** The section of the database, with its head; empty for a host. */
  readonly database: string
  /** Further lines of [DEFAULT]. */
  readonly defaults?: string
}

/** nova.conf of a service of this cloud. */
export const novaConf = (
  { folder, urls }: Pick<BuiltIn, 'folder' | 'urls'>,
  { host = 'host-1', transportUrl, database, defaults = '' }: ConfText,
): string => `[DEFAULT]
host = ${host}
state_path = ${folder}
transport_url = ${transportUrl}
compute_driver = fake.FakeDriver
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = 0
metadata_listen = 127.0.0.1
metadata_listen_port = 0
${defaults}
[quota]
instances = -1
cores = -1
ram = -1

${database}
[keystone_authtoken]
${credentials(urls.identity)}
[service_user]
send_service_user_token = true
auth_section = keystone_authtoken

[neutron]
${credentials(`${urls.identity}/v3`)}service_metadata_proxy = true
metadata_proxy_shared_secret = shared

[placement]
${credentials(urls.identity)}`

/** `defaults` are further lines of [DEFAULT]; without a database of the caller's the services have a file. */
export async function startCloud(
  names: readonly ServiceName[],
  defaults = '',
  given?: CloudBus,
  databaseUrl?: string,
): Promise<Cloud> {
  const closers = new Closers()
  const builtIn = await startBuiltIn()
  closers.add(() => builtIn.close())
  const { folder } = builtIn
  const bus = given ?? { url: `unix://${join(folder, 'bus')}` }
  const configFile = join(folder, 'nova.conf')
  const database = `[database]\nconnection = ${databaseUrl ?? `sqlite:///${join(folder, 'nova.sqlite')}`}\n`
  const config = novaConf(builtIn, { transportUrl: bus.url, database, defaults })
  writeFileSync(configFile, config)
  // A host has no database.
  const hostConfigFile = join(folder, 'nova-compute.conf')
  writeFileSync(hostConfigFile, config.replace(database, '').replace(bus.url, bus.hostUrl ?? bus.url))
  const fileOf = (name: ServiceName) => (name === 'nova-compute' ? hostConfigFile : configFile)
  const made = services.map(name => [name, new ServiceProcess(name, fileOf(name), folder)] as const)
  const service = Object.fromEntries(made) as Record<ServiceName, ServiceProcess>
  for (const process of Object.values(service)) closers.add(() => process.end('SIGKILL'))
  try {
    await Promise.all(names.map(name => service[name].start()))
  } catch (error) {
    await closers.close()
    throw error
  }
  return { builtIn, configFile, service, close: () => closers.close() }
}
