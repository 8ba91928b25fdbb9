import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fromJson, waitFor } from '#base'
import { launcher } from '../bin/processes.ts'
import { type Arena, impatience, type Target } from './arena.ts'
import { Client, type Service } from './client.ts'
import { filesOf, simulatedHosts } from './simulated-hosts.ts'

type Urls = Readonly<Record<Service, string>>

/** nova-allinone with simulated hosts: everything, the neighbours too, in one process that is killed as a whole. */
class OneProcess {
  readonly #args: readonly string[]
  readonly #errors: string
  #child: ChildProcess | undefined
  urls: Urls | undefined

  constructor(args: readonly string[], folder: string) {
    this.#args = args
    this.#errors = join(folder, 'stderr')
  }

  async start(): Promise<void> {
    const errors = openSync(this.#errors, 'a')
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', launcher('nova-allinone'), ...this.#args], {
      stdio: ['ignore', 'pipe', errors],
    })
    closeSync(errors)
    this.#child = child
    const stdout = child.stdout as Readable
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: stdout }).once('line', resolve)
      child.once('exit', code =>
        reject(new Error(`the cloud ended with ${code}: ${readFileSync(this.#errors, 'utf8')}`)),
      )
    })
    const { urls } = fromJson<{ urls: Record<string, string> }>(line)
    const bare = (name: string) => (urls[name] ?? '').replace(/\/v[0-9.]+$/, '')
    this.urls = {
      compute: urls['compute'] ?? '',
      identity: bare('identity'),
      image: bare('image'),
      network: bare('network'),
      placement: bare('placement'),
      volume: bare('volume'),
    }
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** An operator who says that the host is down, and later that it is back; its nova-compute does not notice. */
function fenceOf(client: Client, host: string): Target {
  const say = async (forced_down: boolean): Promise<true | undefined> => {
    const { body } = await client.get('compute', `/os-services?binary=nova-compute&host=${host}`)
    const { status } = await client.send('compute', 'PUT', `/os-services/${body.services[0].id}`, { forced_down })
    // Not up again before it has given up what was evacuated from it.
    return status < 400 || undefined
  }
  const until = (forced_down: boolean) => async () =>
    void (await waitFor(`${host} to be declared`, () => say(forced_down), { deadlineMs: 90_000, everyMs: 300 }))
  return { name: `fence of ${host}`, host, isFenced: true, kill: until(true), start: until(false) }
}

export async function oneProcessArena(hostCount: number, offset: number): Promise<Arena> {
  const folder = mkdtempSync(join(tmpdir(), 'nova-chaos-'))
  const configFile = join(folder, 'nova.conf')
  writeFileSync(
    configFile,
    `[DEFAULT]\nallow_resize_to_same_host = true${impatience}[quota]\ninstances = -1\ncores = -1\nram = -1\n`,
  )
  const args = ['--state', folder, '--offset', String(offset), '--hypervisor', 'fake', '--hosts', String(hostCount)]
  const process = new OneProcess([...args, '--bare', '--json', '--config-file', configFile], folder)
  const close = async (keepsFiles = false) => {
    await process.kill()
    if (!keepsFiles) rmSync(folder, { recursive: true, force: true })
  }
  try {
    await process.start()
    const { adminPassword } = fromJson<{ adminPassword: string }>(readFileSync(join(folder, 'secrets.json'), 'utf8'))
    const client = new Client(() => process.urls as Urls, adminPassword)
    await client.login()
    const { hypervisors } = await client.must('compute', 'GET', '/os-hypervisors')
    const hosts = hypervisors.map((h: { hypervisor_hostname: string }) => filesOf(h.hypervisor_hostname, folder))
    const look = async () => simulatedHosts(hosts)
    const whole = { name: 'nova-allinone', kill: () => process.kill(), start: () => process.start() }
    // Killed most of the time.
    const targets = [whole, whole, whole, fenceOf(client, hosts[0].host)]
    return {
      client,
      targets,
      hostCount,
      look,
      databases: [`sqlite:///${join(folder, 'nova.sqlite')}`],
      folder,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
