import { createHash } from 'node:crypto'
import { fromJson } from '#base'
import type { Commands } from './commands.ts'
import type { Desired, DesiredNetwork } from './desired-model.ts'

/** Bridges of this cloud: one per network, marked as ours by their alias, with the addresses this host has on them. */

interface LinkJson {
  readonly ifname: string
  readonly ifalias?: string
  readonly mtu?: number
  readonly flags?: readonly string[]
  readonly addr_info?: readonly { local?: string; prefixlen?: number; scope?: string }[]
}

/**
 * Fixed, from the network's id: else a bridge takes the lowest address of its taps, and the gateway's address would
 * change under the guests whenever one comes or goes.
 */
const bridgeMac = (networkId: string, host: string): string => {
  // Hosts whose bridges are joined must not share it.
  const hash = createHash('sha256').update(networkId).update(host).digest('hex')
  return `fa:16:3f:${hash.slice(0, 2)}:${hash.slice(2, 4)}:${hash.slice(4, 6)}`
}

const signature = ({ mtu, isClosed, hostAddresses }: DesiredNetwork): string =>
  JSON.stringify([mtu, isClosed, hostAddresses])

export class Bridges {
  readonly #commands: Commands
  readonly #alias: string
  readonly #host: string
  /** What was last made of each bridge, by name. */
  readonly #made = new Map<string, string>()

  /** `host` tells the bridges of several hosts of one machine apart. */
  constructor(commands: Commands, alias: string, host = '') {
    this.#commands = commands
    this.#alias = alias
    this.#host = host
  }

  forget(): void {
    this.#made.clear()
  }

  async apply(desired: Desired): Promise<void> {
    for (const network of desired.networks) {
      if (this.#made.get(network.bridge) === signature(network)) continue
      await this.#make(network)
      this.#made.set(network.bridge, signature(network))
    }
    const wanted = new Set(desired.networks.map(network => network.bridge))
    for (const bridge of [...this.#made.keys()].filter(name => !wanted.has(name))) {
      await this.#commands.ask('ip', ['link', 'delete', bridge])
      this.#made.delete(bridge)
    }
  }

  /** Bridges that carry our mark and nobody wants: left by an earlier run. */
  async removeLeftovers(desired: Desired): Promise<void> {
    const wanted = new Set(desired.networks.map(network => network.bridge))
    for (const link of await this.#links(['link', 'show', 'type', 'bridge'])) {
      if (link.ifalias === this.#alias && !wanted.has(link.ifname))
        await this.#commands.ask('ip', ['link', 'delete', link.ifname])
    }
  }

  async removeLink(name: string): Promise<void> {
    await this.#commands.ask('ip', ['link', 'delete', name])
  }

  async isIntact(): Promise<boolean> {
    const present = new Set((await this.#links(['link', 'show', 'type', 'bridge'])).map(link => link.ifname))
    return [...this.#made.keys()].every(bridge => present.has(bridge))
  }

  async #links(args: readonly string[]): Promise<readonly LinkJson[]> {
    const text = await this.#commands.ask('ip', ['-j', ...args])
    return text === undefined || text.trim() === '' ? [] : fromJson<LinkJson[]>(text)
  }

  async #make(network: DesiredNetwork): Promise<void> {
    const { bridge, mtu, isClosed } = network
    const run = (...args: string[]) => this.#commands.run('ip', args)
    const [link] = await this.#links(['addr', 'show', 'dev', bridge])
    if (link === undefined)
      await run('link', 'add', 'name', bridge, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0')
    await run('link', 'set', 'dev', bridge, 'address', bridgeMac(network.id, this.#host))
    // Of a closed one the host has no part: else it would answer there for any address that it has anywhere.
    const arp = isClosed ? 'off' : 'on'
    await this.#commands.ask('ip', ['link', 'set', 'dev', bridge, 'addrgenmode', isClosed ? 'none' : 'eui64'])
    await run('link', 'set', 'dev', bridge, 'alias', this.#alias, 'mtu', String(mtu), 'arp', arp, 'up')
    const wanted = new Set(network.hostAddresses)
    const present = (link?.addr_info ?? [])
      .filter(info => isClosed || info.scope !== 'link')
      .map(info => `${info.local}/${info.prefixlen}`)
    for (const address of present.filter(item => !wanted.has(item))) await run('addr', 'delete', address, 'dev', bridge)
    for (const address of wanted) {
      const family = address.includes(':') ? ['nodad'] : ['brd', '+']
      await run('addr', 'replace', address, ...family, 'dev', bridge)
    }
  }
}
