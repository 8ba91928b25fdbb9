import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { type Clock, type Log, SerialQueue } from '#base'
import { parseCidr } from '../addresses.ts'
import { bridgeName } from '../core/binding.ts'
import type { Db } from '../store/open.ts'
import { Bridges } from './bridges.ts'
import { type Commands, createCommands } from './commands.ts'
import { type Desired, type DesiredPort, readDesired, withPorts } from './desired.ts'
import { Dnsmasqs } from './dnsmasq.ts'
import { Firewall } from './firewall.ts'
import { collidingRoute, hostRoutes, prepareKernel } from './kernel.ts'
import { LeaseIntake, leaseLines } from './leases.ts'
import { type HostPlace, OtherHosts } from './other-hosts.ts'
import { PolicyRoutes } from './policy-routes.ts'
import { noRouting } from './routing.ts'

/**
 * Keeps this host as the store says: bridges, addresses, DHCP, address translation, firewall.
 *
 * Theory of operation. There is no queue of changes: each pass reads the whole desired state and compares it with what
 * the last pass made, so a change that is missed or made twice does no harm. Passes never overlap; whoever asks while one
 * runs is served by the next, together with everybody else who asks. After a crash nothing is remembered, and the first
 * pass rebuilds: the firewall in one transaction, bridges and daemons by looking at what is there.
 * The firewall comes before bridges and DHCP, so no guest is ever reachable before its rules are.
 */
export interface PlumberOptions {
  readonly log: Log
  readonly clock: Clock
  /** Runtime files of the daemons, readable by all; default `/run/nova-network-<id>`. */
  readonly runDirectory?: string
  /** Run everything inside this named network namespace. */
  readonly netns?: string
  /** Where the metadata service listens; without an address it is each network's own gateway address. */
  readonly metadata?: { readonly port: number; readonly address?: string }
  /** Program that dnsmasq calls about leases; default: a small one that runs `dhcpBridge` of this module. */
  readonly dhcpBridge?: string
  readonly domain?: string
  readonly leaseSeconds?: number
  readonly checkEveryMs?: number
  /** Hosts of this machine that live in network namespaces of their own: their guests are wired to ours. */
  readonly others?: readonly HostPlace[]
}

export interface Plumber {
  /** Names of the hosts in namespaces of their own. */
  readonly otherHosts: readonly string[]
  /** Takes the database and the name under which everything on the host is kept; builds all. */
  start(db: Db, deployment: string): Promise<void>
  /** Why this host cannot carry such a network. */
  refusal(networkId: string, cidrs: readonly string[]): Promise<string | undefined>
  /** The first of these that collides with nothing on this host. */
  freeCidr(candidates: readonly string[]): Promise<string | undefined>
  /** Resolves when the host is as the store was at the call, or later. */
  converge(): Promise<void>
  /** Rebuilds everything and removes what is ours and not wanted. */
  reconcile(): Promise<void>
  /** Networks whose DHCP daemon runs. */
  liveNetworks(): Promise<readonly string[]>
  isHealthy(): boolean
  /** Stops looking after things; daemons, bridges and rules stay for the guests. */
  close(): Promise<void>
  /** Takes everything of ours from the host. */
  dismantle(): Promise<void>
}

const defaultLeaseSeconds = 86_400
const defaultCheckMs = 2000
/** Daemons are looked at in every check (that is reading one file), tables and bridges in each of these. */
const deepCheckEvery = 10

interface Parts {
  readonly directory: string
  readonly db: Db
  readonly firewall: Firewall
  readonly bridges: Bridges
  readonly dnsmasqs: Dnsmasqs
  readonly leases: LeaseIntake
  readonly routes: PolicyRoutes
  readonly others: OtherHosts
}

class RealPlumber implements Plumber {
  readonly #options: PlumberOptions
  readonly #commands: Commands
  readonly #queue = new SerialQueue()
  #parts: Parts | undefined
  #waiting: Promise<void> | undefined
  #taps = new Map<string, DesiredPort>()
  #cancelCheck: () => void = () => undefined
  #isClosed = false
  #isHealthy = true
  #checks = 0
  #usesIpv6: boolean | undefined

  constructor(options: PlumberOptions) {
    this.#options = options
    this.#commands = createCommands(options.netns)
  }

  get otherHosts(): readonly string[] {
    return this.#options.others?.map(({ host }) => host) ?? []
  }

  get #started(): Parts {
    if (this.#parts === undefined) throw new Error('the plumber was not started')
    return this.#parts
  }

  async start(db: Db, deployment: string): Promise<void> {
    const name = `nova-network-${deployment}`
    const directory = this.#options.runDirectory ?? `/run/${name}`
    const { log, metadata, clock } = this.#options
    await mkdir(directory, { recursive: true, mode: 0o755 })
    await chmod(directory, 0o755)
    const leaseSeconds = this.#options.leaseSeconds ?? defaultLeaseSeconds
    const leases = new LeaseIntake(db, join(directory, 'spool'), leaseSeconds, log)
    this.#parts = {
      directory,
      db,
      leases,
      firewall: new Firewall(
        this.#commands,
        {
          metadataTarget: (_bridge, hostIp) =>
            metadata === undefined ? undefined : { address: metadata.address ?? hostIp, port: metadata.port },
        },
        name,
      ),
      bridges: new Bridges(this.#commands, name),
      routes: new PolicyRoutes(this.#commands),
      others: new OtherHosts(this.#commands, name, this.#options.others ?? []),
      dnsmasqs: new Dnsmasqs({
        commands: this.#commands,
        log,
        directory,
        settings: { domain: this.#options.domain ?? 'novalocal', leaseSeconds, hasMetadata: metadata !== undefined },
        script: this.#options.dhcpBridge ?? (await writeScript(directory)),
        leases: async networkId => {
          await leases.take()
          return leaseLines(db, networkId, clock.now())
        },
      }),
    }
    await leases.start()
    await this.reconcile()
    this.#schedule()
  }

  async refusal(networkId: string, cidrs: readonly string[]): Promise<string | undefined> {
    const routes = await hostRoutes(this.#commands)
    for (const text of cidrs) {
      const cidr = parseCidr(text)
      const route = cidr === undefined ? undefined : collidingRoute(routes, cidr, bridgeName(networkId))
      if (route !== undefined) return `subnet ${text} collides with a route of this host on device ${route.device}`
    }
    return undefined
  }

  async freeCidr(candidates: readonly string[]): Promise<string | undefined> {
    const routes = await hostRoutes(this.#commands)
    return candidates.find(text => {
      const cidr = parseCidr(text)
      return cidr !== undefined && collidingRoute(routes, cidr, '') === undefined
    })
  }

  converge(): Promise<void> {
    // A pass that has not begun yet will see everything stored until then.
    if (this.#waiting !== undefined) return this.#waiting
    const pass = this.#queue.run(async () => {
      this.#waiting = undefined
      await this.#pass()
    })
    this.#waiting = pass
    return pass
  }

  reconcile(): Promise<void> {
    return this.#queue.run(async () => {
      const { firewall, bridges, dnsmasqs, routes, others, db } = this.#started
      others.forget()
      firewall.forget()
      bridges.forget()
      routes.forget()
      dnsmasqs.forget()
      this.#usesIpv6 = undefined
      const desired = await this.#pass()
      await dnsmasqs.removeLeftovers(desired)
      await bridges.removeLeftovers(desired)
      await others.removeLeftovers(desired)
      await db.deleteFrom('leases').where('expiresAtMs', '<', this.#options.clock.now()).execute()
    })
  }

  async #pass(): Promise<Desired> {
    try {
      const desired = await readDesired(this.#started.db)
      await this.#build(desired)
      this.#isHealthy = true
      return desired
    } catch (error) {
      this.#isHealthy = false
      throw error
    }
  }

  async #build(desired: Desired): Promise<void> {
    const { firewall, bridges, dnsmasqs, routes, others } = this.#started
    const local = withPorts(desired, port => port.hosts.some(host => !this.otherHosts.includes(host)))
    const usesIpv6 = desired.networks.some(network => network.subnets.some(subnet => subnet.cidr.version === 6))
    if (desired.networks.length > 0 && this.#usesIpv6 !== usesIpv6) {
      await prepareKernel(this.#commands, usesIpv6)
      this.#usesIpv6 = usesIpv6
    }
    const taps = new Map(local.ports.map(port => [port.id, port]))
    for (const [id, port] of this.#taps) {
      // The hypervisor takes its tap away itself; one that is left would be an open door.
      if (!taps.has(id)) await bridges.removeLink(port.tap)
    }
    await firewall.apply(local)
    await bridges.apply(desired)
    await others.apply(desired)
    await routes.apply(desired.routing)
    await dnsmasqs.apply(desired)
    this.#taps = taps
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#cancelCheck = this.#options.clock.after(this.#options.checkEveryMs ?? defaultCheckMs, () => {
      this.#check()
        .catch((error: unknown) =>
          this.#options.log.warn({ err: error }, 'the network of this host could not be repaired'),
        )
        .finally(() => this.#schedule())
    })
  }

  /** Looks whether somebody took something of ours away, and whether the last pass failed. */
  async #check(): Promise<void> {
    const { firewall, bridges, dnsmasqs, others, db, leases } = this.#started
    await leases.take()
    const isDeep = ++this.#checks % deepCheckEvery === 0 && this.#taps.size + others.tapCount > 0
    const isIntact = !isDeep || ((await firewall.isIntact()) && (await bridges.isIntact()) && (await others.isIntact()))
    if (!this.#isHealthy || !isIntact) {
      this.#options.log.warn({}, 'the network of this host is not as it should be, rebuilding it')
      await this.reconcile()
      return
    }
    await this.#queue.run(() => dnsmasqs.revive(() => readDesired(db)))
  }

  async liveNetworks(): Promise<readonly string[]> {
    const { dnsmasqs } = this.#started
    const live: string[] = []
    for (const id of dnsmasqs.networkIds) if ((await dnsmasqs.pidOf(id)) !== undefined) live.push(id)
    return live
  }

  isHealthy(): boolean {
    return this.#isHealthy
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelCheck()
    await this.#parts?.leases.close()
    await this.#queue.run(() => undefined)
  }

  async dismantle(): Promise<void> {
    await this.#queue.run(async () => {
      const { firewall, bridges, dnsmasqs, routes, others, directory } = this.#started
      const nothing: Desired = { networks: [], ports: [], groups: new Map(), routing: noRouting }
      await dnsmasqs.stopAll()
      await dnsmasqs.removeLeftovers(nothing)
      await routes.apply(noRouting)
      await others.dismantle(nothing)
      await bridges.apply(nothing)
      await bridges.removeLeftovers(nothing)
      await firewall.remove()
      await rm(directory, { recursive: true, force: true })
    })
  }
}

/** dnsmasq runs a program without arguments of its own, so the path to this module is written into one. */
async function writeScript(directory: string): Promise<string> {
  const path = join(directory, 'nova-dhcpbridge')
  const module = JSON.stringify(new URL('./dhcp-bridge.ts', import.meta.url).href)
  const text = `#!${process.execPath}\nimport(${module}).then(m => { process.exitCode = m.dhcpBridge(process.argv.slice(2), process.env) })\n`
  if (!isAbsolute(process.execPath)) throw new Error('node has no absolute path')
  await writeFile(path, text, { mode: 0o755 })
  await chmod(path, 0o755)
  return path
}

export const createPlumber = (options: PlumberOptions): Plumber => new RealPlumber(options)
