import { parseCidr } from './addresses.ts'
import { createNetwork } from './core/networks.ts'
import { createSubnet } from './core/subnets.ts'
import type { Unit } from './core/unit.ts'
import type { NetworkRow, SubnetRow } from './store/tables.ts'

export interface PlainNetwork {
  readonly projectId: string
  readonly name: string
  readonly subnetName: string
  readonly cidr: string
  readonly isHostRouted: boolean
}

/** A project's own network with one subnet, everything else as Neutron does by default. */
export async function createPlainNetwork(
  unit: Unit,
  { projectId, name, subnetName, cidr, isHostRouted }: PlainNetwork,
): Promise<{ network: NetworkRow; subnet: SubnetRow }> {
  const plain = { projectId, description: '' }
  const flags = { isUp: 1, isShared: 0, isExternal: 0, isDefault: 0, mtu: 1500, portSecurity: 1 }
  const network = await createNetwork(unit, { ...plain, ...flags, isHostRouted: Number(isHostRouted), name })
  const subnet = await createSubnet(unit, network, {
    ...plain,
    name: subnetName,
    ipVersion: parseCidr(cidr)?.version ?? 4,
    cidr,
    gatewayIp: undefined,
    pools: undefined,
    dhcp: 1,
    dnsNameservers: '[]',
    hostRoutes: '[]',
    ipv6AddressMode: null,
    ipv6RaMode: null,
  })
  return { network, subnet }
}
