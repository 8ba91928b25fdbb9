import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromJson, waitFor } from '#base'
import { linkLocal } from '../addresses.ts'
import { type Commands, createCommands } from './commands.ts'
import type { Leg } from './desired-model.ts'

/*
 * Network namespaces of this cloud, named as Neutron names them, and their legs on the networks' bridges.
 *
 * Each is written down in the run folder before it is made and crossed out after it is gone, so that whoever comes after a
 * crash finds all of them. A namespace belongs to nobody but the cloud: whatever is in it may be ended with it.
 */

/** Where iproute2 keeps their names. */
const namesFolder = '/run/netns'

interface LinkJson {
  readonly ifname: string
  readonly ifalias?: string
  readonly address?: string
  readonly mtu?: number
  readonly flags?: readonly string[]
  readonly addr_info?: readonly { local?: string; prefixlen?: number }[]
}

const parsed = (text: string | undefined): readonly LinkJson[] =>
  text === undefined || text.trim() === '' ? [] : fromJson<LinkJson[]>(text)

/** The end of a leg that is on the bridge. */
export const outerName = (leg: Pick<Leg, 'portId'>): string => `nvq${leg.portId.slice(0, 11)}`
export const isOuterName = (name: string): boolean => name.startsWith('nvq')

/** `alias` marks what is ours where the bridges are. */
export interface Grounds {
  readonly here: Commands
  readonly alias: string
  /** Folder of the notes. */
  readonly notes: string
}

/** Tells a namespace from one of the same name that was made later; undefined: there is none. */
export async function namespaceIdentity(name: string): Promise<string | undefined> {
  const found = await stat(join(namesFolder, name)).catch(() => undefined)
  return found === undefined ? undefined : `${found.dev} ${found.ino}`
}

const hasIpv6 = (): boolean => existsSync('/proc/sys/net/ipv6')

/** The kernel has no IPv6 on links with a smaller one (RFC 8200). */
const smallestIpv6Mtu = 1280
const speaksIpv6 = ({ mtu }: Leg): boolean => hasIpv6() && mtu >= smallestIpv6Mtu

const batch = (commands: Commands, lines: readonly string[]): Promise<unknown> =>
  lines.length === 0 ? Promise.resolve() : commands.run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` })

export class Namespace {
  readonly name: string
  readonly commands: Commands
  readonly #grounds: Grounds
  readonly #machine = createCommands(undefined)

  constructor(name: string, grounds: Grounds) {
    this.name = name
    this.commands = createCommands(name)
    this.#grounds = grounds
  }

  get #note(): string {
    return join(this.#grounds.notes, this.name)
  }

  /** `switches`: of the kernel, below net/, with what they are to be. */
  async make(switches: Readonly<Record<string, readonly string[]>>): Promise<void> {
    if ((await this.commands.ask('ip', ['link', 'set', 'lo', 'up'])) === undefined) {
      await mkdir(this.#grounds.notes, { recursive: true })
      await writeFile(this.#note, '')
      // A name without a namespace behind it, of a making that was cut short, would be in the way.
      await this.#machine.ask('ip', ['netns', 'delete', this.name])
      await this.#machine.run('ip', ['netns', 'add', this.name])
      await this.commands.run('ip', ['link', 'set', 'lo', 'up'])
    }
    for (const [value, names] of Object.entries(switches)) {
      const files = names.filter(name => hasIpv6() || !name.startsWith('ipv6/')).map(name => `/proc/sys/net/${name}`)
      // tee opens the files inside the namespace.
      await this.commands.run('tee', files, { input: `${value}\n` })
    }
  }

  /** Brings it to these legs and no others, each with its addresses and `more` of the namespace's own. Returns new ones. */
  async connect(legs: readonly Leg[], more: (leg: Leg) => readonly string[] = () => []): Promise<readonly Leg[]> {
    const inner = new Map(
      parsed(await this.commands.ask('ip', ['-j', 'addr', 'show'])).map(link => [link.ifname, link]),
    )
    const outer = await outerLinks(this.#grounds)
    const fresh: Leg[] = []
    for (const leg of legs) {
      const found = outer.has(outerName(leg)) ? inner.get(leg.name) : undefined
      if (found === undefined) fresh.push(leg)
      const all = [`${linkLocal(leg.mac)}/64`, ...leg.addresses, ...more(leg)]
      const addresses = all.filter(address => speaksIpv6(leg) || !address.includes(':'))
      if (found === undefined) await this.#make(leg, addresses)
      else await this.#mend(leg, addresses, found)
    }
    const wanted = new Set(legs.map(leg => leg.name))
    for (const name of inner.keys()) {
      if (name !== 'lo' && !wanted.has(name)) await this.commands.ask('ip', ['link', 'delete', name])
    }
    return fresh
  }

  /**
   * Tells the neighbours where a new leg's addresses are now, as soon as the bridge lets it speak. Whoever does not hear
   * it, because this process ends before, finds out by itself after some time.
   */
  async announce({ name, mac, ...leg }: Leg): Promise<void> {
    const file = `/sys/class/net/${outerName(leg)}/brport/state`
    const forwarding = '3'
    await waitFor(
      `the bridge to forward for ${name}`,
      async () => ((await this.#grounds.here.ask('cat', [file]))?.trim() === forwarding ? true : undefined),
      { deadlineMs: 10_000, everyMs: 50 },
    )
    await this.commands.ask('ip', announcement(name, mac))
  }

  async #make(leg: Leg, addresses: readonly string[]): Promise<void> {
    const { here, alias } = this.#grounds
    const [outer, mtu] = [outerName(leg), `mtu ${leg.mtu}`]
    await here.ask('ip', ['link', 'delete', outer])
    await batch(here, [
      `link add ${outer} ${mtu} type veth peer name ${leg.name} address ${leg.mac} ${mtu} netns ${this.name}`,
      `link set dev ${outer} alias ${alias} master ${leg.bridge} up`,
    ])
    await batch(this.commands, [
      // It needs no time to find out whether anybody else has its address.
      ...(speaksIpv6(leg) ? [`link set dev ${leg.name} addrgenmode none`] : []),
      ...addresses.map(address => addressLine(address, leg)),
      `link set dev ${leg.name} up`,
    ])
  }

  async #mend(leg: Leg, addresses: readonly string[], found: LinkJson): Promise<void> {
    const { here, alias } = this.#grounds
    const wanted = new Set(addresses)
    const present = new Set((found.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`))
    const fresh = addresses.filter(address => !present.has(address))
    await batch(here, [`link set dev ${outerName(leg)} alias ${alias} master ${leg.bridge} mtu ${leg.mtu} up`])
    await batch(this.commands, [
      ...[...present].filter(address => !wanted.has(address)).map(address => `addr delete ${address} dev ${leg.name}`),
      // A larger one may bring IPv6 back.
      `link set dev ${leg.name} mtu ${leg.mtu} up`,
      ...fresh.map(address => addressLine(address, leg)),
      ...(fresh.length > 0 || found.address !== leg.mac ? [announcement(leg.name, leg.mac).join(' ')] : []),
    ])
  }

  /** With all that is in it; the daemons there must have been ended. */
  async remove(): Promise<void> {
    const inner = parsed(await this.commands.ask('ip', ['-j', 'link', 'show', 'type', 'veth']))
    // By hand: a socket that somebody still holds would keep namespace and legs alive.
    for (const { ifname } of inner) await this.commands.ask('ip', ['link', 'delete', ifname])
    await this.#machine.ask('ip', ['netns', 'delete', this.name])
    await rm(this.#note, { force: true })
  }
}

/** The kernel tells the neighbours of all addresses when a link gets its hardware address, also the one it has. */
const announcement = (name: string, mac: string): string[] => ['link', 'set', 'dev', name, 'address', mac]

const addressLine = (address: string, { name }: Leg): string => {
  const family = address.includes(':') ? ' nodad' : address.endsWith('/32') ? '' : ' brd +'
  return `addr replace ${address}${family} dev ${name}`
}

/** Ends of our legs where the bridges are. */
export async function outerLinks({ here, alias }: Grounds): Promise<ReadonlySet<string>> {
  const links = parsed(await here.ask('ip', ['-j', 'link', 'show', 'type', 'veth']))
  return new Set(links.filter(link => link.ifalias === alias && isOuterName(link.ifname)).map(link => link.ifname))
}

/** Names of all namespaces that were made and not taken away. */
export async function notedNamespaces({ notes }: Grounds): Promise<readonly string[]> {
  return readdir(notes).catch(() => [])
}
