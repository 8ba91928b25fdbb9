/** A cloud's databases and its nova.conf, for nova-manage as the operator runs it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { instanceId, newUuid } from '#base'
import type { Instance } from '#model'
import { type NewInstance, openStore, type Store } from '#store'
import { runManage, runStatus, type Streams } from '../../src/allinone/compose/nova-manage.ts'
import { runLauncher } from '../bin/processes.ts'
import { databaseAt, fastFolder } from '../database/index.ts'

const flavor: Instance['flavor'] = {
  number: 1,
  flavorId: 'small',
  name: 'small',
  memoryMiB: 128,
  vcpus: 1,
  rootGiB: 1,
  ephemeralGiB: 0,
  swapMiB: 0,
  rxtxFactor: 1,
  isPublic: true,
  isDisabled: false,
  description: null,
  extraSpecs: {},
}

/** A server at rest on `host`, or on none. */
export function aServer(host: string | null, change: Partial<NewInstance> = {}): NewInstance {
  const id = newUuid()
  return {
    id: instanceId(id),
    projectId: 'project',
    userId: 'user',
    displayName: 'server',
    hostname: 'server',
    description: null,
    reservationId: 'r-1',
    launchIndex: 0,
    vmState: 'active',
    taskState: null,
    powerState: 1,
    host,
    node: host,
    launchedOn: host,
    requestedZone: null,
    flavor,
    image: null,
    key: null,
    userData: null,
    hasConfigDrive: false,
    accessIpV4: null,
    accessIpV6: null,
    rootDeviceName: null,
    progress: 0,
    lockedBy: null,
    lockedReason: null,
    metadata: {},
    systemMetadata: {},
    securityGroups: [],
    trustedImageCertificates: null,
    networkInfo: [],
    createdAtMs: Date.now(),
    updatedAtMs: null,
    launchedAtMs: Date.now(),
    terminatedAtMs: null,
    deletedAtMs: null,
    sagaId: null,
    ...change,
  }
}

const describe = (host: string) => ({
  hypervisorHostname: host,
  hypervisorType: 'fake',
  hypervisorVersion: 1,
  vcpus: 8,
  memoryMiB: 8192,
  memoryUsedMiB: 0,
  localDiskGiB: 100,
  localDiskUsedGiB: 0,
  localDiskFreeGiB: 100,
  cpuInfo: {},
  supportedInstances: [],
  traits: [],
  hostIp: '127.0.0.1',
  uptime: null,
})

const ratios = { cpuAllocationRatio: 1, ramAllocationRatio: 1, diskAllocationRatio: 1 }

/** As nova-compute makes it known. Returns the uuid of its node. */
export async function addHost(store: Store, host: string): Promise<string> {
  const uuid = newUuid()
  await store.services.register({ host, binary: 'nova-compute', topic: 'compute', version: 1 }, Date.now())
  await store.computeNodes.save({ uuid, host, description: describe(host), ...ratios }, Date.now())
  return uuid
}

export const transportUrl = 'rabbit://nova:bus-secret@broker:5672/'

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function captured(run: (streams: Streams) => Promise<number>): Promise<Run> {
  const said = { stdout: '', stderr: '' }
  const into = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      said[name] += text
    },
  })
  const code = await run({ stdout: into('stdout'), stderr: into('stderr') })
  return { code, ...said }
}

/** nova-manage in this process. */
export const runHere = (...args: readonly string[]): Promise<Run> => captured(streams => runManage(args, streams))

/** Databases `api`, `nova` (that of nova.conf) and what a test asks for, in a folder of its own. */
export class Deployment {
  readonly folder = mkdtempSync(join(fastFolder(), 'manage-'))
  readonly configFile = join(this.folder, 'nova.conf')
  readonly #opened: Store[] = []

  static async open(...lines: readonly string[]): Promise<Deployment> {
    const made = new Deployment()
    const conf = [
      '[DEFAULT]',
      `transport_url = ${transportUrl}`,
      '[api_database]',
      `connection = ${await made.url('api')}`,
      '[database]',
      `connection = ${await made.url('nova')}`,
      ...lines,
    ]
    writeFileSync(made.configFile, `${conf.join('\n')}\n`)
    return made
  }

  url(name: string): Promise<string> {
    return databaseAt(this.folder, name)
  }

  /** The cell's database of this name, with the tables of the API. */
  async store(name = 'nova'): Promise<Store> {
    const opened = await openStore(await this.url(name), { apiServer: { url: await this.url('api'), options: {} } })
    this.#opened.push(opened)
    return opened
  }

  /** Runs nova-manage on this nova.conf by its launcher, as a process of its own. */
  launch(...args: readonly string[]): Promise<Run> {
    return runLauncher('nova-manage', ['--config-file', this.configFile, ...args])
  }

  /** nova-status upgrade check, by its launcher. */
  launchCheck(...args: readonly string[]): Promise<Run> {
    return runLauncher('nova-status', ['--config-file', this.configFile, 'upgrade', 'check', ...args])
  }

  /** The same in this process. */
  check(...args: readonly string[]): Promise<Run> {
    return captured(streams => runStatus(['--config-file', this.configFile, 'upgrade', 'check', ...args], streams))
  }

  /** The same in this process, which is what most cases need: only a wrong command line ends the process. */
  run(...args: readonly string[]): Promise<Run> {
    return runHere('--config-file', this.configFile, ...args)
  }

  get config(): string {
    return readFileSync(this.configFile, 'utf8')
  }

  /** A file beside nova.conf, or nova.conf itself. */
  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  async close(): Promise<void> {
    for (const store of this.#opened) await store.close()
    rmSync(this.folder, { recursive: true })
  }
}
