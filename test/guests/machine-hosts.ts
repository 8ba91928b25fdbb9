import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromJson, silentLog } from '#base'
import { type LibvirtDaemon, startLibvirt, stopEverything } from '#virt/libvirt'
import { identityOf, isAlive, type ProcessIdentity } from '../../src/virt/libvirt/daemon/process-identity.ts'
import { dropNamespace, run } from '../network/wires.ts'
import { destroyCloudOf } from './cloud.ts'

/** Not TMPDIR: what a killed run leaves there must be found by the next one. */
const parent = '/var/tmp'
const prefix = 'nova-hosts-'

/** What a run writes down before it makes anything, so that whoever comes after it can take it away. */
interface Note {
  readonly owner: ProcessIdentity | undefined
  readonly namespaces: readonly string[]
}

/** One of several hosts on this machine: a name, a network and a libvirtd of its own. */
export interface MachineHost {
  readonly name: string
  readonly netns: string
  /** In the network between the hosts, which nothing else of the machine can reach. */
  readonly address: string
  /** Everything of this host lies below. */
  readonly folder: string
  readonly daemon: LibvirtDaemon
}

/** State folder of the cloud that hosts with this folder belong to. */
export const cloudAmong = (folder: string): string => join(folder, 'cloud')

async function takeDown(folder: string): Promise<void> {
  const { namespaces } = fromJson<Note>(readFileSync(join(folder, 'note.json'), 'utf8'))
  for (const name of readdirSync(folder)) {
    const daemon = join(folder, name, 'libvirt')
    if (existsSync(daemon)) await stopEverything(daemon)
  }
  for (const name of namespaces) await dropNamespace(name)
  rmSync(folder, { recursive: true, force: true })
}

/** Hosts of test runs that were killed. */
export async function dropStrayHosts(): Promise<void> {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue
    const folder = join(parent, name)
    if (!existsSync(join(folder, 'note.json'))) {
      rmSync(folder, { recursive: true, force: true })
      continue
    }
    const { owner } = fromJson<Note>(readFileSync(join(folder, 'note.json'), 'utf8'))
    if (owner !== undefined && isAlive(owner)) continue
    // The hosts' cloud has bridges and namespaces outside of theirs.
    if (existsSync(cloudAmong(folder))) await destroyCloudOf(cloudAmong(folder))
    await takeDown(folder)
  }
}

/** Hosts on this machine that can migrate guests to each other; all gone after `down`, or with the next test. */
export class MachineHosts {
  readonly folder: string
  readonly names: readonly string[]
  readonly #netnsOf: (name: string) => string
  readonly #switch: string
  hosts: readonly MachineHost[] = []
  static #made = 0

  constructor(count: number) {
    const id = `${process.pid.toString(36)}${MachineHosts.#made++}`
    this.folder = join(parent, `${prefix}${id}`)
    this.names = Array.from({ length: count }, (_, i) => `host-${i + 1}`)
    this.#netnsOf = name => `nvh${id}-${name}`
    this.#switch = `nvh${id}-switch`
  }

  /** One more, for whatever a test puts beside the hosts. */
  get extraNamespace(): string {
    return this.#netnsOf('extra')
  }

  /** For the cloud's command line. */
  get options(): readonly string[] {
    return this.names.flatMap(name => ['--other-host', `${name}=${this.#netnsOf(name)}`])
  }

  async up(): Promise<void> {
    await dropStrayHosts()
    mkdirSync(this.folder, { recursive: true, mode: 0o711 })
    const namespaces = [this.#switch, this.extraNamespace, ...this.names.map(this.#netnsOf)]
    const note: Note = { owner: identityOf(process.pid), namespaces }
    writeFileSync(join(this.folder, 'note.json'), JSON.stringify(note))
    for (const name of namespaces) {
      await run('ip', 'netns', 'add', name)
      await run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    }
    // A switch without an address: this machine's own processes cannot reach the hosts.
    await run('ip', '-n', this.#switch, 'link', 'add', 'switch', 'type', 'bridge')
    await run('ip', '-n', this.#switch, 'link', 'set', 'switch', 'up')
    this.hosts = await Promise.all(this.names.map((name, i) => this.#host(name, i + 1)))
  }

  async #host(name: string, number: number): Promise<MachineHost> {
    const netns = this.#netnsOf(name)
    const address = `100.64.77.${number}`
    const port = `port${number}`
    const pair = ['link', 'add', port, 'type', 'veth', 'peer', 'name', 'hosts', 'netns', netns]
    await run('ip', '-n', this.#switch, ...pair)
    await run('ip', '-n', this.#switch, 'link', 'set', port, 'master', 'switch', 'up')
    await run('ip', '-n', netns, 'addr', 'add', `${address}/24`, 'dev', 'hosts')
    await run('ip', '-n', netns, 'link', 'set', 'hosts', 'up')
    const folder = join(this.folder, name)
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    return { name, netns, address, folder, daemon: await MachineHosts.#daemon({ name, netns, address, folder }) }
  }

  static #daemon({ name, netns, address, folder }: Omit<MachineHost, 'daemon'>): Promise<LibvirtDaemon> {
    const host = { hostname: name, netns, privateAddress: address }
    return startLibvirt({ stateDir: join(folder, 'libvirt'), log: silentLog, host })
  }

  /** As if somebody pulled its plug: guests and all. */
  async powerOff({ folder }: MachineHost): Promise<void> {
    await stopEverything(join(folder, 'libvirt'))
  }

  /** What was defined is there again, and off. */
  async powerOn(host: MachineHost): Promise<void> {
    await MachineHosts.#daemon(host)
  }

  async down(): Promise<void> {
    if (existsSync(this.folder)) await takeDown(this.folder)
  }
}
