import { fromJson, type Log } from '#base'
import { type Cidr, formatCidr, parseCidr } from '../addresses.ts'
import type { Commands } from './commands.ts'
import type { HostRouteWish } from './desired-model.ts'
import { collidingRoute, hostRoutes, routeProtocol } from './kernel.ts'

/** The host's own routes to guests, through the routers' outer addresses; told from others by their protocol. */
export class HostRoutes {
  readonly #commands: Commands
  readonly #log: Log
  /** What was last wished; undefined: an earlier run may have left some. */
  #applied: string | undefined

  constructor(commands: Commands, log: Log) {
    this.#commands = commands
    this.#log = log
  }

  forget(): void {
    this.#applied = undefined
  }

  /** On our own bridges, so that routes of another cloud of this machine are left alone. */
  async apply(wishes: readonly HostRouteWish[], bridges: readonly string[]): Promise<void> {
    const signature = JSON.stringify(wishes.map(({ cidr, ...rest }) => [formatCidr(cidr), rest]))
    if (this.#applied === signature) return
    const taken = await hostRoutes(this.#commands)
    const free = wishes.filter(({ cidr, bridge }) => {
      const other = collidingRoute(taken, cidr, bridge)
      const route = { subnet: formatCidr(cidr), device: other?.device }
      if (other !== undefined) this.#log.warn(route, 'this host reaches guests of a subnet only by floating addresses')
      return other === undefined
    })
    for (const version of [4, 6] as const) {
      const family = `-${version}`
      const wanted = free.filter(({ cidr }) => cidr.version === version)
      const kept = new Set(wanted.map(({ cidr }) => formatCidr(cidr)))
      const gone = (await this.#present(version)).filter(
        ({ cidr, device }) => bridges.includes(device) && !kept.has(formatCidr(cidr)),
      )
      for (const { cidr, device } of gone)
        await this.#commands.ask('ip', [family, 'route', 'delete', formatCidr(cidr), 'dev', device])
      for (const { cidr, via, bridge } of wanted) {
        const route = ['route', 'replace', formatCidr(cidr), 'via', via, 'dev', bridge, 'proto', routeProtocol]
        await this.#commands.run('ip', [family, ...route])
      }
    }
    this.#applied = signature
  }

  async #present(version: 4 | 6): Promise<readonly { cidr: Cidr; device: string }[]> {
    const text = await this.#commands.ask('ip', [`-${version}`, '-j', 'route', 'show', 'proto', routeProtocol])
    const routes = text === undefined || text.trim() === '' ? [] : fromJson<{ dst: string; dev?: string }[]>(text)
    return routes.flatMap(({ dst, dev: device = '' }) => {
      const cidr = parseCidr(dst)
      return cidr === undefined ? [] : [{ cidr, device }]
    })
  }
}
