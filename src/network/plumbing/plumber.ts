import { rm } from 'node:fs/promises'
import { SerialQueue } from '#base'
import { parseCidr } from '../addresses.ts'
import { bridgeName } from '../core/binding.ts'
import type { Db } from '../store/open.ts'
import { type Commands, createCommands, doAll } from './commands.ts'
import { readDesired } from './desired.ts'
import { type Desired, type DesiredPort, nothing, withPorts } from './desired-model.ts'
import { type DnsmasqPlan, dnsmasqPlans } from './dnsmasq-plans.ts'
import { clearPolicyRoutes, collidingRoute, hostRoutes, prepareKernel } from './kernel.ts'
import { doorsOf } from './namespaces.ts'
import { Neighbours } from './neighbours.ts'
import { assemble, nameOf, type Parts, type PlumberOptions } from './parts.ts'
import { releaseZones } from './zones.ts'

/**
 * Keeps this machine as the store says: bridges, namespaces of routers and DHCP, address translation, firewall.
 *
 * Theory of operation. There is no queue of changes: each pass reads the whole desired state and compares it with what
 * the last pass made, so a change that is missed or made twice does no harm. Passes never overlap; whoever asks while one
 * runs is served by the next, together with everybody else who asks. After a crash nothing is remembered, and the first
 * pass rebuilds: the firewall in one transaction, bridges and daemons by looking at what is there.
 * The firewall comes before bridges, routers and DHCP, so no guest is ever reachable before its rules are.
 */
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

const defaultCheckMs = 2000
/** Daemons are looked at in every check (that is reading one file), tables and bridges in each of these. */
const deepCheckEvery = 10

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
  readonly #neighbours: Neighbours
  #checks = 0
  #usesIpv6: boolean | undefined

  constructor(options: PlumberOptions) {
    this.#options = options
    this.#commands = createCommands(options.netns)
    this.#neighbours = new Neighbours(this.#commands)
  }

  get otherHosts(): readonly string[] {
    return this.#options.others?.map(({ host }) => host) ?? []
  }

  get #started(): Parts {
    if (this.#parts === undefined) throw new Error('the plumber was not started')
    return this.#parts
  }

  async start(db: Db, deployment: string): Promise<void> {
    this.#parts = await assemble(this.#options, this.#commands, db, nameOf(deployment))
    await clearPolicyRoutes(this.#commands)
    await this.#parts.leases.start()
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
      const { firewall, bridges, namespaces, hostRoutes: routes, dnsmasqs, others, db } = this.#started
      for (const part of [others, firewall, bridges, namespaces, routes, dnsmasqs, this.#neighbours]) part.forget()
      this.#usesIpv6 = undefined
      const desired = await this.#pass()
      await dnsmasqs.removeLeftovers(this.#plans(desired))
      await namespaces.removeLeftovers(desired)
      await bridges.removeLeftovers(desired)
      await others.removeLeftovers(desired)
      await db.deleteFrom('leases').where('expiresAtMs', '<', this.#options.clock.now()).execute()
    })
  }

  #plans(desired: Desired): readonly DnsmasqPlan[] {
    const { dnsmasqSettings, dnsmasqScript } = this.#started
    return dnsmasqPlans(desired, dnsmasqSettings, dnsmasqScript)
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
    const { firewall, bridges, others, db } = this.#started
    const local = withPorts(desired, port => port.hosts.some(host => !this.otherHosts.includes(host)))
    const usesIpv6 = desired.networks.some(network => network.hostAddresses.some(address => address.includes(':')))
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
    this.#taps = taps
    await this.#buildNamespaces(desired)
    await releaseZones(db, new Set(desired.networks.map(network => network.id)), zone => firewall.forgetZone(zone))
  }

  /** What lives in a namespace ends before it goes, and starts after it is there. */
  async #buildNamespaces(desired: Desired): Promise<void> {
    const { namespaces, hostRoutes: routes, dnsmasqs, doors } = this.#started
    const [plans, wanted] = [this.#plans(desired), doorsOf(desired)]
    await dnsmasqs.endOthers(plans)
    doors?.closeOthers(wanted)
    const bridges = desired.networks.map(network => network.bridge)
    await doAll('making of namespaces and what lives there', [
      () => namespaces.apply(desired),
      () => routes.apply(desired.hostRoutes, bridges),
      () => dnsmasqs.apply(plans),
    ])
    await this.#neighbours.apply(desired)
    doors?.open()
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
    const { dnsmasqs, doors, leases } = this.#started
    await leases.take()
    const isDeep = ++this.#checks % deepCheckEvery === 0
    if (!this.#isHealthy || (isDeep && !(await this.#isIntact()))) {
      this.#options.log.warn({}, 'the network of this host is not as it should be, rebuilding it')
      await this.reconcile()
      return
    }
    doors?.open()
    await this.#queue.run(async () => {
      if (await dnsmasqs.missesAny()) await this.#pass()
    })
  }

  async #isIntact(): Promise<boolean> {
    const { firewall, bridges, namespaces, others } = this.#started
    if (this.#taps.size + others.tapCount + namespaces.count === 0) return true
    const parts = [firewall, bridges, namespaces, others]
    for (const part of parts) if (!(await part.isIntact())) return false
    return true
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
    await this.#queue.run(() => undefined)
    await this.#parts?.doors?.close()
    await this.#parts?.leases.close()
  }

  async dismantle(): Promise<void> {
    await this.#queue.run(async () => {
      const { firewall, bridges, namespaces, hostRoutes: routes, dnsmasqs, doors, others, directory } = this.#started
      await doors?.close()
      await dnsmasqs.apply([])
      await dnsmasqs.removeLeftovers([])
      await namespaces.apply(nothing)
      await namespaces.removeLeftovers(nothing)
      await routes.apply([], [])
      await others.dismantle(nothing)
      await bridges.apply(nothing)
      await bridges.removeLeftovers(nothing)
      await firewall.remove()
      await rm(directory, { recursive: true, force: true })
    })
  }
}

export const createPlumber = (options: PlumberOptions): Plumber => new RealPlumber(options)
