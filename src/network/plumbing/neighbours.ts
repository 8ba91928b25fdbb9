import type { Commands } from './commands.ts'
import type { Desired, DesiredPort } from './desired-model.ts'
import { dhcpNamespace } from './dhcp-namespaces.ts'
import { routerNamespace } from './routers.ts'

/** Namespaces with a leg in the network: whoever in them speaks to its guests. */
function besides({ routers, networks }: Desired, networkId: string): readonly string[] {
  const joining = routers.filter(({ inside }) => inside.some(leg => leg.networkId === networkId))
  const hasDhcp = networks.some(({ id, dhcp }) => id === networkId && dhcp !== undefined)
  return [...joining.map(({ id }) => routerNamespace(id)), ...(hasDhcp ? [dhcpNamespace(networkId)] : [])]
}

/**
 * Who has an address now. A guest that gets one of a guest that has gone need not say so on the wire, and the router would go on
 * sending to the card that was there before it for as long as the kernel remembers.
 */
export class Neighbours {
  readonly #commands: Commands
  #known = new Set<string>()

  constructor(commands: Commands) {
    this.#commands = commands
  }

  /** Nothing is known of what the kernel remembers. */
  forget(): void {
    this.#known.clear()
  }

  /** When the namespaces are there. What is new is asked for anew, with the next packet. */
  async apply(desired: Desired): Promise<void> {
    const wanted = new Map(desired.ports.flatMap(port => ownings(port)))
    const fresh = new Map<string, string[]>()
    for (const [owning, { networkId, address }] of wanted) {
      if (this.#known.has(owning)) continue
      for (const name of besides(desired, networkId)) fresh.set(name, [...(fresh.get(name) ?? []), address])
    }
    for (const [name, addresses] of fresh) {
      const input = addresses.map(address => `neigh flush to ${address}\n`).join('')
      await this.#commands.run('ip', ['-n', name, '-batch', '-'], { input })
    }
    this.#known = new Set(wanted.keys())
  }
}

const ownings = ({ networkId, mac, addresses }: DesiredPort) =>
  addresses.map(({ address }) => [`${networkId} ${address} ${mac}`, { networkId, address }] as const)
