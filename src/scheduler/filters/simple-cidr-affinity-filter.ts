import { BlockList, isIP, isIPv6 } from 'node:net'
import type { HostFilter } from './filter.ts'

/** The hints `build_near_host_ip` and `cidr` (default /24): a host whose address is in that network. */
export const simpleCidrAffinityFilter: HostFilter = {
  name: 'SimpleCIDRAffinityFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare({ spec }) {
    const address = spec.hints['build_near_host_ip']?.[0]
    if (address === undefined || address === '') return null
    const cidr = spec.hints['cidr']?.[0] ?? '/24'
    const network = networkOf(address, cidr)
    if (network === undefined) return () => `${address}${cidr} in the hints is no network`
    return host => contains(network, host.hostIp) || `the host's address ${host.hostIp} is not in ${address}${cidr}`
  },
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')

function networkOf(address: string, cidr: string): BlockList | undefined {
  const prefix = Number(cidr.replace(/^\//, ''))
  if (isIP(address) === 0 || !Number.isInteger(prefix) || prefix < 0) return undefined
  if (prefix > (isIPv6(address) ? 128 : 32)) return undefined
  const network = new BlockList()
  network.addSubnet(address, prefix, family(address))
  return network
}

const contains = (network: BlockList, address: string): boolean =>
  isIP(address) !== 0 && network.check(address, family(address))
