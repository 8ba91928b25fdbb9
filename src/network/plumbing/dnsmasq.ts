import { mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, waitFor } from '#base'
import type { Commands } from './commands.ts'
import type { Desired, DesiredNetwork } from './desired.ts'
import { stateVariable } from './dhcp-bridge.ts'
import { type DnsmasqSettings, dnsmasqArguments, hostsText, optionsText, servedSubnets } from './dnsmasq-files.ts'

/**
 * One dnsmasq per network.
 *
 * They are daemons of their own and outlive the control plane: guests renew their leases while it is away. Whether one
 * runs is never remembered but asked: pid file, and the command line of that pid must name our folder, so that a pid
 * that went to some other program is left alone. At the next start a running one with the same arguments is adopted.
 */
export interface DnsmasqOptions {
  readonly commands: Commands
  readonly log: Log
  /** World readable: dnsmasq drops its rights and rereads files later. */
  readonly directory: string
  readonly settings: DnsmasqSettings
  /** The executable dnsmasq calls about leases. */
  readonly script: string
  /** Lines for its start, see nova-dhcpbridge `init`. */
  readonly leases: (networkId: string) => Promise<string>
}

interface Served {
  readonly args: readonly string[]
  readonly files: string
  readonly bridge: string
  readonly hosts: ReadonlySet<string>
}

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
  readonly #served = new Map<string, Served>()

  constructor(options: DnsmasqOptions) {
    this.#options = options
  }

  forget(): void {
    this.#served.clear()
  }

  async apply(desired: Desired): Promise<void> {
    const wanted = desired.networks.filter(network => servedSubnets(network).length > 0)
    for (const network of wanted) await this.#serve(network, desired)
    const ids = new Set(wanted.map(network => network.id))
    for (const id of [...this.#served.keys()].filter(item => !ids.has(item))) await this.#stop(id)
  }

  /** Starts again whichever is gone; true when one was. */
  async revive(desired: () => Promise<Desired>): Promise<boolean> {
    let wasGone = false
    for (const id of this.#served.keys()) {
      if ((await this.pidOf(id)) !== undefined) continue
      this.#options.log.warn({ network_id: id }, 'dnsmasq is gone, starting it again')
      this.#served.delete(id)
      wasGone = true
    }
    if (wasGone) await this.apply(await desired())
    return wasGone
  }

  /** Daemons and folders of networks nobody wants; found by their command line, so without pid files too. */
  async removeLeftovers(desired: Desired): Promise<void> {
    const wanted = new Set(
      desired.networks.filter(network => servedSubnets(network).length > 0).map(network => network.id),
    )
    const { directory } = this.#options
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const id = this.#networkOf(await commandLine(Number(entry)))
      if (id === undefined) continue
      const isKnown = wanted.has(id) && (await this.pidOf(id)) === Number(entry)
      if (!isKnown) await this.#end(Number(entry), id)
    }
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== 'spool' && !wanted.has(entry.name)) {
        await rm(join(directory, entry.name), { recursive: true, force: true })
      }
    }
  }

  async pidOf(networkId: string): Promise<number | undefined> {
    const text = await readFile(join(this.#options.directory, networkId, 'pid'), 'utf8').catch(() => '')
    const pid = Number(text.trim())
    if (!Number.isInteger(pid) || pid <= 0) return undefined
    return this.#networkOf(await commandLine(pid)) === networkId ? pid : undefined
  }

  get networkIds(): readonly string[] {
    return [...this.#served.keys()]
  }

  async stopAll(): Promise<void> {
    for (const id of this.#served.keys()) await this.#stop(id)
  }

  #networkOf(line: readonly string[]): string | undefined {
    if (!line[0]?.endsWith('dnsmasq')) return undefined
    const prefix = `--pid-file=${this.#options.directory}/`
    const path = line.find(argument => argument.startsWith(prefix))
    return path?.slice(prefix.length).split('/')[0]
  }

  async #serve(network: DesiredNetwork, desired: Desired): Promise<void> {
    const { settings, script } = this.#options
    const directory = join(this.#options.directory, network.id)
    const args = dnsmasqArguments(network, settings, { directory, script })
    const [hosts, opts] = [hostsText(network, desired.ports), optionsText(network, settings)]
    const known = this.#served.get(network.id)
    const sameArguments = known !== undefined && known.args.join('\0') === args.join('\0')
    if (sameArguments && known.files === hosts + opts) return
    await mkdir(directory, { recursive: true, mode: 0o755 })
    await writeAtomic(join(directory, 'hosts'), hosts)
    await writeAtomic(join(directory, 'opts'), opts)
    const lines = new Set(hosts.split('\n').filter(line => line !== ''))
    if (known !== undefined) await this.#releaseGone(network.id, known, lines)
    await this.#startOrTell(network.id, directory, args)
    this.#served.set(network.id, { args, files: hosts + opts, bridge: network.bridge, hosts: lines })
  }

  /** An address must not stay leased to a MAC that is no longer its own, or dnsmasq refuses it to the next one. */
  async #releaseGone(networkId: string, known: Served, hosts: ReadonlySet<string>): Promise<void> {
    for (const line of [...known.hosts].filter(item => !hosts.has(item))) {
      const [mac = '', address = ''] = line.split(',')
      if (address.startsWith('[')) continue
      const stays = [...hosts].some(item => item.startsWith(`${mac},${address},`))
      if (stays) continue
      await this.#options.commands.ask('dhcp_release', [known.bridge, address, mac])
      this.#options.log.debug({ network_id: networkId, address, mac }, 'lease released')
    }
  }

  async #startOrTell(networkId: string, directory: string, args: readonly string[]): Promise<void> {
    const pid = await this.pidOf(networkId)
    if (pid !== undefined) {
      const line = await commandLine(pid)
      if (line.slice(1).join('\0') === args.join('\0') && (await this.#isInOurNetns(pid))) {
        process.kill(pid, 'SIGHUP')
        return
      }
      await this.#end(pid, networkId)
    }
    await writeAtomic(join(directory, 'leases'), await this.#options.leases(networkId))
    const env = { NETWORK_ID: networkId, CONFIG_FILE: '[]', [stateVariable]: this.#options.directory }
    await this.#options.commands.run('dnsmasq', args, { env })
    this.#options.log.info({ network_id: networkId }, 'dnsmasq started')
  }

  /** One that was left in a namespace that has since been made anew serves nobody. */
  async #isInOurNetns(pid: number): Promise<boolean> {
    const ours = await this.#options.commands.ask('readlink', ['/proc/self/ns/net'])
    const its = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined)
    return ours?.trim() === its
  }

  async #stop(networkId: string): Promise<void> {
    const pid = await this.pidOf(networkId)
    if (pid !== undefined) await this.#end(pid, networkId)
    this.#served.delete(networkId)
    await rm(join(this.#options.directory, networkId), { recursive: true, force: true })
  }

  async #end(pid: number, networkId: string): Promise<void> {
    const isIt = async () => this.#networkOf(await commandLine(pid)) === networkId
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
    this.#options.log.info({ network_id: networkId, pid }, 'dnsmasq ended')
  }
}
