import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '#base'
import { portsAt } from '../../src/allinone/ports.ts'
import { readSecrets } from '../../src/allinone/state-folder.ts'
import { processes } from '../virt/processes.ts'
import { TestCloud } from './cloud.ts'
import { qemusOn } from './host-processes.ts'
import { cloudAmong, type MachineHost, MachineHosts } from './machine-hosts.ts'

const exec = promisify(execFile)
const program = join(import.meta.dirname, '../../src/bin/nova-compute.ts')

/** A nova-compute of its own, with the guests of one host. */
export class ComputeHost {
  readonly machine: MachineHost
  readonly instancesPath: string
  readonly #configFile: string
  #child: ChildProcess | undefined

  constructor(machine: MachineHost, instancesPath: string, config: string) {
    this.machine = machine
    this.instancesPath = instancesPath
    this.#configFile = join(machine.folder, 'nova.conf')
    writeFileSync(this.#configFile, config, { mode: 0o600 })
  }

  get name(): string {
    return this.machine.name
  }

  get logFile(): string {
    return join(this.machine.folder, 'nova-compute.log')
  }

  async start(): Promise<void> {
    const before = this.#starts()
    const log = openSync(this.logFile, 'a')
    const line = ['--pdeathsig', 'KILL', '--', process.execPath, program, '--config-file', this.#configFile]
    const child = spawn('setpriv', line, { stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    await waitFor(
      `nova-compute of ${this.name}`,
      () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${this.log().slice(-2000)}`)
        return this.#starts() > before || undefined
      },
      { deadlineMs: 60_000 },
    )
  }

  /** Guests and libvirt go on. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
  }

  #starts(): number {
    return this.log().split('service started').length - 1
  }

  has(id: string): boolean {
    return existsSync(join(this.instancesPath, id))
  }

  /** Whether its libvirt has a definition of the guest. */
  defines(id: string): boolean {
    const folder = join(this.machine.folder, 'libvirt/etc/qemu')
    return readdirSync(folder).some(
      name => name.endsWith('.xml') && readFileSync(join(folder, name), 'utf8').includes(id),
    )
  }

  /** Pids of the guards that its nova-computes have left. */
  guards(): number[] {
    return processes()
      .filter(
        ({ commandLine }) =>
          commandLine.includes('nova-compute-guard') && commandLine.includes(`${this.machine.folder}/`),
      )
      .map(({ pid }) => pid)
  }

  /** Pids of the guest's QEMU on this host. */
  qemusOf(id: string): number[] {
    return qemusOn(this.machine, id)
  }
}

export interface HostsOptions {
  readonly offset: number
  readonly count: number
  /** Numbers of the hosts that share one folder of guests, from 0. */
  readonly sharing?: readonly number[]
  /** More lines of [libvirt] for a host. */
  readonly libvirt?: Readonly<Record<number, string>>
  /** More sections of nova.conf, for the control plane and for all hosts. */
  readonly config?: string
  /** More options of the cloud. */
  readonly flags?: readonly string[]
}

/** A cloud without a host in its own process, and nova-computes of their own on this machine. */
export class HostsCloud {
  readonly machines: MachineHosts
  readonly cloud: TestCloud
  readonly #options: HostsOptions
  readonly #computes: ComputeHost[] = []
  #token = ''
  #projectId = ''
  /** Of the Compute API. */
  microversion = '2.95'

  constructor(options: HostsOptions) {
    this.#options = options
    this.machines = new MachineHosts(options.count)
    const control = join(this.machines.folder, 'control.conf')
    this.cloud = new TestCloud(options.offset, cloudAmong(this.machines.folder), [
      '--hosts',
      '0',
      '--bare',
      '--config-file',
      control,
      ...this.machines.options,
      ...(options.flags ?? []),
    ])
  }

  host(number: number): ComputeHost {
    const host = this.#computes[number]
    if (host === undefined) throw new Error(`there is no host ${number}`)
    return host
  }

  get hosts(): readonly ComputeHost[] {
    return this.#computes
  }

  named(name: string): ComputeHost {
    const host = this.#computes.find(other => other.name === name)
    if (host === undefined) throw new Error(`there is no host ${name}`)
    return host
  }

  get #bus(): string {
    return `transport_url = unix://${join(this.machines.folder, 'bus')}`
  }

  async start(): Promise<void> {
    await this.machines.up()
    writeFileSync(
      join(this.machines.folder, 'control.conf'),
      `[DEFAULT]\n${this.#bus}\nallow_resize_to_same_host = true\nshutdown_timeout = 30\n${this.#options.config ?? ''}`,
    )
    await this.cloud.start()
    for (const [number, machine] of this.machines.hosts.entries()) {
      const isSharing = this.#options.sharing?.includes(number) === true
      const folder = join(isSharing ? join(this.machines.folder, 'shared') : machine.folder, 'instances')
      mkdirSync(folder, { recursive: true })
      this.#computes.push(new ComputeHost(machine, folder, this.#config(machine, folder, number)))
    }
    await Promise.all(this.#computes.map(host => host.start()))
    await this.#login()
    await waitFor(
      'all hosts',
      async () => (await this.call('GET', '/os-hypervisors')).hypervisors.length === this.#options.count || undefined,
      { deadlineMs: 60_000, everyMs: 200 },
    )
  }

  #config({ name, folder, address, daemon }: MachineHost, instancesPath: string, number: number): string {
    const { servicePassword } = readSecrets(this.cloud.stateDir)
    const credentials = `auth_type = password
auth_url = http://127.0.0.1:${portsAt(this.#options.offset).identity}/v3
username = nova
password = ${servicePassword.replaceAll('$', '$$')}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
`
    return `[DEFAULT]
host = ${name}
my_ip = 127.0.0.1
state_path = ${folder}
instances_path = ${instancesPath}
${this.#bus}
compute_driver = libvirt.LibvirtDriver
report_interval = 2

[libvirt]
virt_type = qemu
connection_uri = qemu+unix:///system?socket=${daemon.socketPath}
live_migration_inbound_addr = ${address}
${this.#options.libvirt?.[number] ?? ''}

[keystone_authtoken]
${credentials}
[service_user]
${credentials}
[glance]
${credentials}
${this.#options.config ?? ''}`
  }

  async #login(): Promise<void> {
    const { identity } = portsAt(this.#options.offset)
    const { adminPassword: password } = readSecrets(this.cloud.stateDir)
    const user = { name: 'admin', domain: { name: 'Default' }, password }
    const auth = {
      identity: { methods: ['password'], password: { user } },
      scope: { project: { name: 'admin', domain: { name: 'Default' } } },
    }
    const reply = await fetch(`http://127.0.0.1:${identity}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
    if (!reply.ok) throw new Error(`no token: ${reply.status} ${await reply.text()}`)
    this.#token = reply.headers.get('x-subject-token') ?? ''
    this.#projectId = ((await reply.json()) as { token: { project: { id: string } } }).token.project.id
  }

  /** One request to the Compute API, or to the network's. */
  // oxlint-disable-next-line typescript/no-explicit-any
  async call(
    method: string,
    path: string,
    body?: unknown,
    service: 'compute' | 'network' | 'image' | 'volume' = 'compute',
  ) {
    const ports = portsAt(this.#options.offset)
    const bases = {
      compute: `${ports.compute}/v2.1`,
      network: `${ports.network}/v2.0`,
      image: `${ports.image}/v2`,
      volume: `${ports.volume}/v3/${this.#projectId}`,
    }
    const reply = await fetch(`http://127.0.0.1:${bases[service]}${path}`, {
      method,
      headers: {
        'x-auth-token': this.#token,
        'content-type': 'application/json',
        ...(service === 'compute' ? { 'openstack-api-version': `compute ${this.microversion}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path} was answered with ${reply.status}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as ReturnType<typeof JSON.parse>
  }

  act(id: string, action: Readonly<Record<string, unknown>>) {
    return this.call('POST', `/servers/${id}/action`, action)
  }

  /** Waits until the server is in this status and nothing is being done with it. */
  settled(id: string, status: string, deadlineMs = 180_000): Promise<ReturnType<typeof JSON.parse>> {
    return waitFor(
      `${id} to be ${status}`,
      async () => {
        const { server } = await this.call('GET', `/servers/${id}`)
        if (server.status === 'ERROR' && status !== 'ERROR') throw new Error(JSON.stringify(server.fault))
        return server.status === status && server['OS-EXT-STS:task_state'] === null ? server : undefined
      },
      { deadlineMs, everyMs: 100 },
    )
  }

  /** Waits until ssh to the server works, and says what the command says. */
  async ssh(address: string, command: string): Promise<string> {
    return this.cloud.ssh(address, command)
  }

  async close(): Promise<void> {
    for (const host of this.#computes) {
      await host.kill()
      for (const pid of host.guards()) process.kill(pid, 'SIGKILL')
    }
    if (existsSync(this.cloud.stateDir)) await this.cloud.destroy().catch(() => undefined)
    await this.machines.down()
  }
}

export const shell = async (file: string, ...args: string[]): Promise<string> => (await exec(file, args)).stdout.trim()
