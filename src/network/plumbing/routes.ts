import { fromJson } from '#base'
import { contains, formatCidr, parseAddress, parseCidr } from '../addresses.ts'
import type { Commands } from './commands.ts'
import type { Leg } from './desired-model.ts'

export interface Route {
  /** A prefix, or `default`. */
  readonly destination: string
  readonly via: string
  readonly device: string
}

interface RouteJson {
  readonly dst: string
  readonly protocol?: string
}

const families = ['-4', '-6'] as const
const familyOf = (via: string) => (via.includes(':') ? '-6' : '-4')
/** The kernel prints the route to one host without its prefix. */
const plain = (destination: string): string => {
  const cidr = parseCidr(destination)
  return cidr === undefined ? destination : formatCidr(cidr)
}

/** The leg on which a next hop is; undefined: on none. */
export const legTo = (legs: readonly Leg[], via: string): Leg | undefined => {
  const hop = parseAddress(via)
  const isThere = (text: string): boolean => {
    const cidr = parseCidr(text)
    return hop !== undefined && cidr !== undefined && contains(cidr, hop)
  }
  return legs.find(({ addresses }) => addresses.some(isThere))
}

/**
 * In a namespace of our own: these, besides what the kernel makes for the addresses, and no others. `wishes` are users':
 * one that the kernel refuses, say by way of a broadcast address, is left out, and costs nobody else's anything.
 */
export async function setRoutes(
  commands: Commands,
  wanted: readonly Route[],
  wishes: readonly Route[] = [],
): Promise<void> {
  for (const family of families) {
    const [ours, more] = [wanted, wishes].map(routes => routes.filter(({ via }) => familyOf(via) === family))
    const kept = new Set([...(ours ?? []), ...(more ?? [])].map(({ destination }) => plain(destination)))
    const text = await commands.ask('ip', [family, '-j', 'route', 'show'])
    const present = text === undefined || text.trim() === '' ? [] : fromJson<RouteJson[]>(text)
    const gone = present.filter(({ dst, protocol }) => protocol !== 'kernel' && !kept.has(plain(dst)))
    const lines = [...gone.map(({ dst }) => `route delete ${dst}`), ...(ours ?? []).map(replacing)]
    if (lines.length > 0) await commands.run('ip', [family, '-batch', '-'], { input: `${lines.join('\n')}\n` })
    for (const route of more ?? []) await commands.ask('ip', [family, ...replacing(route).split(' ')])
  }
}

const replacing = ({ destination, via, device }: Route): string =>
  `route replace ${plain(destination)} via ${via} dev ${device}`
