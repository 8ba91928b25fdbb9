import { existsSync } from 'node:fs'
import { fromJson } from '#base'
import { type Cidr, formatCidr, overlaps, parseCidr } from '../addresses.ts'
import type { Commands } from './commands.ts'
import { PlumbingFailed } from './commands.ts'

/** The switches of the kernel that this network needs, and what the host's routing table says. */

async function setSwitch(commands: Commands, path: string, value: string): Promise<void> {
  const file = `/proc/sys/${path}`
  if ((await commands.ask('cat', [file]))?.trim() === value) return
  // tee opens the file inside the namespace; a write from this process would reach the host's own switch.
  await commands.run('tee', [file], { input: `${value}\n` })
}

/** On a host that only bridges: without it security groups would be blind. */
export async function prepareBridging(commands: Commands): Promise<void> {
  for (const name of ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'])
    await setSwitch(commands, `net/bridge/${name}`, '1')
}

/** Marks the routes to guests that are ours. */
export const routeProtocol = '210'

/**
 * Before routers had namespaces, their extra routes stood in tables of this host's, looked up by rules of one priority for
 * packets from the networks' bridges; an upgraded cloud takes them away.
 */
export async function clearPolicyRoutes(commands: Commands): Promise<void> {
  const priority = '21077'
  for (const family of ['-4', '-6']) {
    const text = await commands.ask('ip', [family, '-j', 'rule', 'show', 'priority', priority])
    const rules = text === undefined || text.trim() === '' ? [] : fromJson<{ table?: string; iif?: string }[]>(text)
    for (const { table, iif } of rules) {
      if (table === undefined || iif?.startsWith('brq') !== true) continue
      await commands.ask('ip', [family, 'rule', 'delete', 'priority', priority, 'iif', iif, 'lookup', table])
      await commands.ask('ip', [family, 'route', 'flush', 'table', table])
    }
  }
}

/** Forwarding, and bridged packets shown to the inet hooks: without the latter security groups would be blind. */
export async function prepareKernel(commands: Commands, needsIpv6: boolean): Promise<void> {
  if (!existsSync('/proc/sys/net/bridge')) await commands.ask('modprobe', ['br_netfilter'])
  if ((await commands.ask('cat', ['/proc/sys/net/bridge/bridge-nf-call-iptables'])) === undefined) {
    throw PlumbingFailed({ command: 'modprobe br_netfilter', reason: 'security groups cannot be enforced without it' })
  }
  await setSwitch(commands, 'net/bridge/bridge-nf-call-iptables', '1')
  await setSwitch(commands, 'net/bridge/bridge-nf-call-ip6tables', '1')
  await setSwitch(commands, 'net/ipv4/ip_forward', '1')
  // Only when asked for: forwarding makes a host deaf to router advertisements of its own uplink.
  if (needsIpv6) await setSwitch(commands, 'net/ipv6/conf/all/forwarding', '1')
}

export interface HostRoute {
  readonly cidr: Cidr
  readonly device: string
  /** Directly connected, not behind a router. */
  readonly isConnected: boolean
}

interface RouteJson {
  readonly dst?: string
  readonly dev?: string
  readonly scope?: string
}

export async function hostRoutes(commands: Commands): Promise<readonly HostRoute[]> {
  const texts = [
    await commands.ask('ip', ['-j', '-4', 'route', 'show']),
    await commands.ask('ip', ['-j', '-6', 'route', 'show']),
  ]
  return texts.flatMap(text => {
    const routes = text === undefined || text.trim() === '' ? [] : fromJson<RouteJson[]>(text)
    return routes.flatMap(route => {
      const cidr = parseCidr(route.dst ?? '')
      if (cidr === undefined || route.dst === 'default') return []
      return [{ cidr, device: route.dev ?? '', isConnected: route.scope === 'link' }]
    })
  })
}

const isLinkLocal = (cidr: Cidr): boolean => cidr.version === 6 && formatCidr(cidr).startsWith('fe80:')

/**
 * The route that a subnet on `bridge` would take packets away from. A wider route behind a router is no collision: the
 * bridge's more specific one is what the operator asked for.
 */
export function collidingRoute(routes: readonly HostRoute[], cidr: Cidr, bridge: string): HostRoute | undefined {
  return routes.find(
    route =>
      route.device !== bridge &&
      !isLinkLocal(route.cidr) &&
      overlaps(route.cidr, cidr) &&
      (route.isConnected || route.cidr.prefix >= cidr.prefix),
  )
}
