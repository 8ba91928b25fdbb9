import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, waitFor } from '#base'
import { type Commands, createCommands, doAll } from './commands.ts'
import { stateVariable } from './dhcp-bridge.ts'
import type { DnsmasqPlan } from './dnsmasq-plans.ts'
import { namespaceIdentity } from './namespace.ts'

/**
 * The dnsmasq processes of this machine.
 *
 * They are daemons of their own and outlive the control plane: guests renew their leases while it is away. Whether one
 * runs is never remembered but asked: pid file, and the command line of that pid must name our folder, so that a pid
 * that went to some other program is left alone. At the next start a running one with the same arguments is adopted.
 */
export interface DnsmasqOptions {
  /** The namespace that the bridges are in. */
  readonly netns: string | undefined
  readonly log: Log
  /** World readable: dnsmasq drops its rights and rereads files later. */
  readonly directory: string
  /** Lines for its start, see nova-dhcpbridge `init`. */
  readonly leases: (networkId: string) => Promise<string>
}

interface Running {
  readonly plan: DnsmasqPlan
  readonly signature: string
}

const signatureOf = (plan: DnsmasqPlan): string => JSON.stringify([plan.namespace, plan.args('')])

const sameFiles = (a: DnsmasqPlan, b: DnsmasqPlan): boolean => JSON.stringify(a.files) === JSON.stringify(b.files)

const linesOf = ({ files }: DnsmasqPlan): ReadonlySet<string> =>
  new Set((files['hosts'] ?? '').split('\n').filter(line => line !== ''))

async function writeAtomic(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o644 })
  await rename(`${path}.new`, path)
}

async function commandLine(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
  } catch {
    return []
  }
}

const stopDeadlineMs = 5000

export class Dnsmasqs {
  readonly #options: DnsmasqOptions
  readonly #running = new Map<string, Running>()

  constructor(options: DnsmasqOptions) {
    this.#options = options
  }

  forget(): void {
    this.#running.clear()
  }

  /** Ends those that are not among these. */
  async endOthers(plans: readonly DnsmasqPlan[]): Promise<void> {
    const ids = new Set(plans.map(plan => plan.id))
    for (const id of [...this.#running.keys()].filter(item => !ids.has(item))) await this.#stop(id)
  }

  async apply(plans: readonly DnsmasqPlan[]): Promise<void> {
    await this.endOthers(plans)
    await doAll(
      'starting of dnsmasq',
      plans.map(plan => () => this.#run(plan)),
    )
  }

  /** True: some were gone, and are forgotten; the next apply starts them again. */
  async missesAny(): Promise<boolean> {
    let isMissing = false
    for (const id of this.#running.keys()) {
      if ((await this.pidOf(id)) !== undefined) continue
      this.#options.log.warn({ dnsmasq: id }, 'dnsmasq is gone, starting it again')
      this.#running.delete(id)
      isMissing = true
    }
    return isMissing
  }

  /** Daemons and folders that nobody wants; found by their command line, so without pid files too. */
  async removeLeftovers(plans: readonly DnsmasqPlan[]): Promise<void> {
    const wanted = new Set(plans.map(plan => plan.id))
    const { directory } = this.#options
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const id = this.#idIn(await commandLine(Number(entry)))
      if (id === undefined) continue
      const isKnown = wanted.has(id) && (await this.pidOf(id)) === Number(entry)
      if (!isKnown) await this.#end(Number(entry), id)
    }
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const isOfDaemon = entry.isDirectory() && !notOfDaemons.includes(entry.name)
      if (isOfDaemon && !wanted.has(entry.name)) await rm(join(directory, entry.name), { recursive: true, force: true })
    }
  }

  async pidOf(id: string): Promise<number | undefined> {
    const text = await readFile(join(this.#options.directory, id, 'pid'), 'utf8').catch(() => '')
    const pid = Number(text.trim())
    if (!Number.isInteger(pid) || pid <= 0) return undefined
    return this.#idIn(await commandLine(pid)) === id ? pid : undefined
  }

  /** Networks whose guests are served. */
  get networkIds(): readonly string[] {
    return [...this.#running.values()].flatMap(({ plan }) => plan.networkId ?? [])
  }

  #idIn(line: readonly string[]): string | undefined {
    if (!line[0]?.endsWith('dnsmasq')) return undefined
    const prefix = `--pid-file=${this.#options.directory}/`
    const path = line.find(argument => argument.startsWith(prefix))
    return path?.slice(prefix.length).split('/')[0]
  }

  #commands({ namespace }: DnsmasqPlan): Commands {
    return createCommands(namespace ?? this.#options.netns)
  }

  async #run(plan: DnsmasqPlan): Promise<void> {
    const directory = join(this.#options.directory, plan.id)
    const known = this.#running.get(plan.id)
    const signature = signatureOf(plan)
    if (known?.signature === signature && sameFiles(known.plan, plan)) return
    await mkdir(directory, { recursive: true, mode: 0o755 })
    for (const [name, text] of Object.entries(plan.files)) await writeAtomic(join(directory, name), text)
    if (known !== undefined) await this.#releaseGone(known.plan, plan)
    await this.#startOrTell(plan, directory)
    this.#running.set(plan.id, { plan, signature })
  }

  /** An address must not stay leased to a MAC that is no longer its own, or dnsmasq refuses it to the next one. */
  async #releaseGone(known: DnsmasqPlan, plan: DnsmasqPlan): Promise<void> {
    const hosts = linesOf(plan)
    const { networkId, devices } = known
    if (networkId === undefined) return
    for (const line of [...linesOf(known)].filter(item => !hosts.has(item))) {
      const [mac = '', address = ''] = line.split(',')
      if (address.startsWith('[')) continue
      const stays = [...hosts].some(item => item.startsWith(`${mac},${address},`))
      if (stays) continue
      await this.#commands(known).ask('dhcp_release', [devices[0] ?? '', address, mac])
      this.#options.log.debug({ network_id: networkId, address, mac }, 'lease released')
    }
  }

  async #startOrTell(plan: DnsmasqPlan, directory: string): Promise<void> {
    const args = plan.args(directory)
    const pid = await this.pidOf(plan.id)
    const place = await this.#placeOf(plan)
    if (pid !== undefined) {
      const line = await commandLine(pid)
      const before = await readFile(join(directory, 'place'), 'utf8').catch(() => undefined)
      if (line.slice(1).join('\0') === args.join('\0') && before === place) {
        process.kill(pid, 'SIGHUP')
        return
      }
      await this.#end(pid, plan.id)
    }
    const { networkId } = plan
    await writeAtomic(join(directory, 'place'), place)
    if (networkId !== undefined) await writeAtomic(join(directory, 'leases'), await this.#options.leases(networkId))
    const env = { NETWORK_ID: networkId ?? '', CONFIG_FILE: '[]', [stateVariable]: this.#options.directory }
    await this.#commands(plan).run('dnsmasq', args, { env })
    this.#options.log.info({ dnsmasq: plan.id }, 'dnsmasq started')
  }

  /** Namespace and interfaces: one that was started where these have since been made anew serves nobody. */
  async #placeOf(plan: DnsmasqPlan): Promise<string> {
    const files = plan.devices.map(device => `/sys/class/net/${device}/ifindex`)
    const name = plan.namespace ?? this.#options.netns
    const identity = name === undefined ? '' : await namespaceIdentity(name)
    return `${identity}\n${await this.#commands(plan).run('cat', files)}`
  }

  async #stop(id: string): Promise<void> {
    const pid = await this.pidOf(id)
    if (pid !== undefined) await this.#end(pid, id)
    this.#running.delete(id)
    await rm(join(this.#options.directory, id), { recursive: true, force: true })
  }

  async #end(pid: number, id: string): Promise<void> {
    const isIt = async () => this.#idIn(await commandLine(pid)) === id
    try {
      process.kill(pid, 'SIGTERM')
      await waitFor(`dnsmasq ${pid} to end`, async () => ((await isIt()) ? undefined : true), {
        deadlineMs: stopDeadlineMs,
      }).catch(() => process.kill(pid, 'SIGKILL'))
      await waitFor(`dnsmasq ${pid} to die`, async () => ((await isIt()) ? undefined : true), {
        deadlineMs: stopDeadlineMs,
      })
    } catch (error) {
      if ((error as { code?: string }).code !== 'ESRCH') throw error
    }
    this.#options.log.info({ dnsmasq: id, pid }, 'dnsmasq ended')
  }
}

/** Folders beside those of the daemons. */
export const notOfDaemons: readonly string[] = ['spool', 'namespaces']
