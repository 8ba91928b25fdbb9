import type { DesiredRouter, Leg } from './desired-model.ts'
import { metadataAddress } from './metadata-address.ts'
import type { Namespace } from './namespace.ts'
import { forgetStaleFlows } from './router-flows.ts'
import { routerRules } from './router-rules.ts'
import { legTo, type Route, setRoutes } from './routes.ts'

export const routerNamespace = (routerId: string): string => `qrouter-${routerId}`

/** A router forwards, and answers on a leg for the addresses of that leg only. */
const switches = {
  1: [
    'ipv4/ip_forward',
    'ipv6/conf/all/forwarding',
    ...['all', 'default'].flatMap(name => [
      `ipv4/conf/${name}/arp_notify`,
      `ipv4/conf/${name}/arp_ignore`,
      `ipv6/conf/${name}/ndisc_notify`,
    ]),
  ],
}

export const legsOf = ({ inside, outside }: DesiredRouter): readonly Leg[] =>
  outside === undefined ? inside : [...inside, outside]

/** The way out, through the gateways of its external network. */
const defaultRoutes = ({ outside, gateways }: DesiredRouter): Route[] =>
  outside === undefined ? [] : gateways.map(via => ({ destination: 'default', via, device: outside.name }))

/** Those of its user whose next hops are next to it. */
function extraRoutes(router: DesiredRouter): Route[] {
  const legs = legsOf(router)
  return router.routes.flatMap(({ destination, nexthop: via }) => {
    const leg = legTo(legs, via)
    return leg === undefined ? [] : [{ destination, via, device: leg.name }]
  })
}

/** The router in its namespace; may be made over whatever is there. Returns legs that are new. */
export async function makeRouter(namespace: Namespace, router: DesiredRouter, table: string): Promise<readonly Leg[]> {
  const { commands } = namespace
  await namespace.make(switches)
  await commands.run('ip', ['addr', 'replace', `${metadataAddress}/32`, 'dev', 'lo'])
  // The rules are there before the first packet.
  await commands.run('nft', ['-f', '-'], { input: routerRules(router, table) })
  const fresh = await namespace.connect(legsOf(router))
  await setRoutes(commands, defaultRoutes(router), extraRoutes(router))
  await forgetStaleFlows(commands, router)
  return fresh
}
