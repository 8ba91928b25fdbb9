import { SerialQueue } from '#base'
import { doAll } from './commands.ts'
import type { Desired, Leg } from './desired-model.ts'
import { dhcpNamespace, makeDhcpNamespace } from './dhcp-namespaces.ts'
import type { WantedDoor } from './doors.ts'
import { type Grounds, Namespace, namespaceIdentity, notedNamespaces, outerLinks, outerName } from './namespace.ts'
import { legsOf, makeRouter, routerNamespace } from './routers.ts'

/** A namespace that should be. */
interface Plan {
  readonly name: string
  /** What it is made from. */
  readonly from: unknown
  readonly outerNames: readonly string[]
  /** Returns legs that are new. */
  make(namespace: Namespace): Promise<readonly Leg[]>
}

function plansOf({ routers, networks }: Desired, table: string): readonly Plan[] {
  const ofRouters = routers.map(
    (router): Plan => ({
      name: routerNamespace(router.id),
      from: router,
      outerNames: legsOf(router).map(outerName),
      make: namespace => makeRouter(namespace, router, table),
    }),
  )
  const ofNetworks = networks.flatMap(({ id, dhcp }): Plan[] =>
    dhcp === undefined
      ? []
      : [
          {
            name: dhcpNamespace(id),
            from: dhcp,
            outerNames: [outerName(dhcp.leg)],
            make: namespace => makeDhcpNamespace(namespace, dhcp),
          },
        ],
  )
  return [...ofRouters, ...ofNetworks]
}

/** Where guests ask for metadata. */
export const doorsOf = ({ routers, networks }: Desired): readonly WantedDoor[] => [
  ...routers.map(({ id }): WantedDoor => ({ namespace: routerNamespace(id), place: { kind: 'router', id } })),
  ...networks.flatMap(({ id, dhcp }): WantedDoor[] =>
    dhcp === undefined ? [] : [{ namespace: dhcpNamespace(id), place: { kind: 'network', id } }],
  ),
]

const signatureOf = (plan: Plan, identity: string | undefined): string =>
  JSON.stringify([plan.from, identity], (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))

interface Made {
  readonly signature: string
  readonly identity: string | undefined
  readonly outerNames: readonly string[]
}

/** The namespaces of routers and of networks' DHCP: all that are wanted, and no others of this cloud. */
export class Namespaces {
  readonly #grounds: Grounds
  /** What was last made of each, by name. */
  readonly #made = new Map<string, Made>()

  /** Nobody waits for them. */
  readonly #announcements = new SerialQueue()

  constructor(grounds: Grounds) {
    this.#grounds = grounds
  }

  forget(): void {
    this.#made.clear()
  }

  get count(): number {
    return this.#made.size
  }

  async apply(desired: Desired): Promise<void> {
    const plans = plansOf(desired, this.#grounds.alias)
    const wanted = new Set(plans.map(({ name }) => name))
    for (const name of [...this.#made.keys()].filter(item => !wanted.has(item))) await this.#remove(name)
    await doAll(
      'making of network namespaces',
      plans.map(plan => () => this.#ensure(plan)),
    )
  }

  async #ensure(plan: Plan): Promise<void> {
    const { name, outerNames } = plan
    const known = this.#made.get(name)
    if (known?.signature === signatureOf(plan, await namespaceIdentity(name))) return
    this.#made.delete(name)
    const namespace = new Namespace(name, this.#grounds)
    const fresh = await plan.make(namespace)
    for (const leg of fresh) this.#announcements.run(() => namespace.announce(leg)).catch(() => undefined)
    const identity = await namespaceIdentity(name)
    this.#made.set(name, { signature: signatureOf(plan, identity), identity, outerNames })
  }

  async #remove(name: string): Promise<void> {
    await new Namespace(name, this.#grounds).remove()
    this.#made.delete(name)
  }

  /** Left by an earlier run; also ends of legs whose other end is in a namespace that lost its name. */
  async removeLeftovers(desired: Desired): Promise<void> {
    const plans = plansOf(desired, this.#grounds.alias)
    const wanted = new Set(plans.map(({ name }) => name))
    for (const name of await notedNamespaces(this.#grounds)) if (!wanted.has(name)) await this.#remove(name)
    const ends = new Set(plans.flatMap(({ outerNames }) => outerNames))
    for (const end of await outerLinks(this.#grounds)) {
      if (!ends.has(end)) await this.#grounds.here.ask('ip', ['link', 'delete', end])
    }
  }

  async isIntact(): Promise<boolean> {
    const links = await outerLinks(this.#grounds)
    for (const [name, { identity, outerNames }] of this.#made) {
      if ((await namespaceIdentity(name)) !== identity || !outerNames.every(end => links.has(end))) return false
    }
    return true
  }
}
