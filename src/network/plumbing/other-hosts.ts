import { createHash } from 'node:crypto'
import { fromJson } from '#base'
import { bridgeName } from '../core/binding.ts'
import { Bridges } from './bridges.ts'
import { type Commands, createCommands, doAll } from './commands.ts'
import { type Desired, type DesiredNetwork, type DesiredPort, withPorts } from './desired-model.ts'
import { Firewall } from './firewall.ts'
import { prepareBridging } from './kernel.ts'

/** Where one of several hosts of this machine lives. */
export interface HostPlace {
  /** As nova-compute names it. */
  readonly host: string
  /** Its named network namespace, which must be there. */
  readonly netns: string
}

/*
 * Hosts of this machine in network namespaces of their own.
 *
 * Theory of operation. The network node is this machine: beside its bridges are the namespaces of routers and DHCP, and it
 * alone is the way out. A host has for each network with guests there a bridge without an address, joined by
 * a veth pair to the one here, and the security groups of its own ports. So a guest meets the same gateway and the same
 * DHCP server wherever it is, and all that changes when it moves is the port of a bridge behind which its MAC is found.
 * A host is wired for guests that are still on their way as well: the rules are there before the guest is.
 */

const linkPrefix = 'nvl'
const isLinkName = (name: string): boolean => name.startsWith(linkPrefix)

/** Of the pair, in both namespaces; 14 characters of the 15 that the kernel allows. */
const linkName = (host: string, networkId: string): string =>
  `${linkPrefix}${createHash('sha256').update(host).update(networkId).digest('hex').slice(0, 11)}`

class OtherHost {
  readonly #place: HostPlace
  readonly #commands: Commands
  readonly #name: string
  readonly #firewall: Firewall
  readonly #bridges: Bridges
  /** Links made, by network. */
  readonly #links = new Map<string, string>()
  #taps = new Map<string, DesiredPort>()
  #isPrepared = false

  constructor(place: HostPlace, name: string) {
    this.#place = place
    this.#name = name
    this.#commands = createCommands(place.netns)
    this.#firewall = new Firewall(this.#commands, name)
    this.#bridges = new Bridges(this.#commands, name, place.host)
  }

  get tapCount(): number {
    return this.#taps.size
  }

  get links(): readonly string[] {
    return [...this.#links.values()]
  }

  forget(): void {
    this.#firewall.forget()
    this.#bridges.forget()
    this.#links.clear()
    this.#isPrepared = false
  }

  async apply(here: Commands, desired: Desired): Promise<void> {
    const wanted = this.#part(desired)
    if (wanted.networks.length > 0 && !this.#isPrepared) {
      await prepareBridging(this.#commands)
      this.#isPrepared = true
    }
    const taps = new Map(wanted.ports.map(port => [port.id, port]))
    const left = [...this.#taps].filter(([id]) => !taps.has(id)).map(([, port]) => port)
    for (const port of left) await this.#bridges.removeLink(port.tap)
    if (wanted.networks.length > 0 || this.#taps.size > 0) await this.#firewall.apply(wanted)
    for (const [networkId, link] of this.#links) {
      if (wanted.networks.some(network => network.id === networkId)) continue
      await here.ask('ip', ['link', 'delete', link])
      this.#links.delete(networkId)
    }
    for (const port of left) await this.#forgetFlows(port)
    await this.#bridges.apply(wanted)
    for (const network of wanted.networks) if (!this.#links.has(network.id)) await this.#join(here, network)
    this.#taps = taps
  }

  /** A guest that comes back later goes on with connections of which this host would know an old state. */
  async #forgetFlows({ addresses, zone }: DesiredPort): Promise<void> {
    for (const { address, version } of addresses)
      for (const side of ['--orig-src', '--orig-dst']) {
        const where = zone === undefined ? [] : ['-w', String(zone)]
        await this.#commands.ask('conntrack', ['-D', '-f', `ipv${version}`, side, address, ...where])
      }
  }

  removeLeftovers(desired: Desired): Promise<void> {
    return this.#bridges.removeLeftovers(this.#part(desired))
  }

  async isIntact(): Promise<boolean> {
    return this.#taps.size === 0 || ((await this.#firewall.isIntact()) && (await this.#bridges.isIntact()))
  }

  async dismantle(nothing: Desired): Promise<void> {
    // A namespace that is gone has taken all with it.
    if ((await this.#commands.ask('true', [])) === undefined) return
    await this.#bridges.apply(nothing)
    await this.#bridges.removeLeftovers(nothing)
    await this.#firewall.remove()
    // Of earlier versions.
    await this.#commands.ask('nft', ['delete', 'table', 'inet', `${this.#name}-closed`])
  }

  /** Its own ports, and their networks without any address. */
  #part(desired: Desired): Desired {
    const part = withPorts(desired, port => port.hosts.includes(this.#place.host))
    const ids = new Set(part.ports.map(port => port.networkId))
    // A guest speaks to guests and to the network node, never to the host it lives on nor through it to other hosts.
    const bare = (network: DesiredNetwork) => ({ ...network, isClosed: true, hostAddresses: [], dhcp: undefined })
    return {
      ...part,
      routers: [],
      hostRoutes: [],
      networks: desired.networks.filter(({ id }) => ids.has(id)).map(bare),
    }
  }

  async #join(here: Commands, { id, mtu }: DesiredNetwork): Promise<void> {
    const { host, netns } = this.#place
    const link = linkName(host, id)
    const master = bridgeName(id)
    const isThere = (await here.ask('ip', ['link', 'show', link])) !== undefined
    if (!isThere) {
      const pair = ['link', 'add', link, 'mtu', String(mtu), 'type', 'veth', 'peer', 'name', link]
      await here.run('ip', [...pair, 'mtu', String(mtu), 'netns', netns])
    }
    for (const side of [here, this.#commands])
      await side.run('ip', ['link', 'set', 'dev', link, 'alias', this.#name, 'master', master, 'up'])
    this.#links.set(id, link)
  }
}

interface LinkJson {
  readonly ifname: string
  readonly ifalias?: string
}

export class OtherHosts {
  readonly #here: Commands
  readonly #name: string
  readonly #hosts: readonly OtherHost[]

  constructor(here: Commands, name: string, places: readonly HostPlace[]) {
    this.#here = here
    this.#name = name
    this.#hosts = places.map(place => new OtherHost(place, name))
  }

  get tapCount(): number {
    return this.#hosts.reduce((sum, host) => sum + host.tapCount, 0)
  }

  forget(): void {
    for (const host of this.#hosts) host.forget()
  }

  async apply(desired: Desired): Promise<void> {
    await doAll(
      'wiring of other hosts',
      this.#hosts.map(host => () => host.apply(this.#here, desired)),
    )
  }

  async removeLeftovers(desired: Desired): Promise<void> {
    for (const host of this.#hosts) await host.removeLeftovers(desired)
    const known = new Set(this.#hosts.flatMap(host => host.links))
    const text = await this.#here.ask('ip', ['-j', 'link', 'show', 'type', 'veth'])
    const links = text === undefined || text.trim() === '' ? [] : fromJson<LinkJson[]>(text)
    for (const { ifname, ifalias } of links)
      if (ifalias === this.#name && isLinkName(ifname) && !known.has(ifname))
        await this.#here.ask('ip', ['link', 'delete', ifname])
  }

  async isIntact(): Promise<boolean> {
    for (const host of this.#hosts) if (!(await host.isIntact())) return false
    return true
  }

  async dismantle(nothing: Desired): Promise<void> {
    this.forget()
    for (const host of this.#hosts) await host.dismantle(nothing)
    await this.removeLeftovers(nothing)
  }
}
