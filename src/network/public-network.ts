import type { BindingGate } from './core/binding.ts'
import { createNetwork } from './core/networks.ts'
import { joinSubnet } from './core/router-interfaces.ts'
import { createRouter, setGateway } from './core/routers.ts'
import { createSubnet } from './core/subnets.ts'
import type { Unit, Work } from './core/unit.ts'
import { NoFreeSubnet } from './default-network.ts'
import type { Plumber } from './plumbing/plumber.ts'

export interface PublicNetwork {
  readonly projectId: string
  readonly name: string
  /** The network whose guests get floating addresses, by a router of the project. */
  readonly insideId: string
  readonly cidr?: string
}

/** None of them among the choices for the default network; the first is the one DevStack has. */
const choices = ['172.24.4.0/24', '172.29.200.0/24', '192.168.233.0/24', '10.214.77.0/24', '100.120.16.0/24']

async function makeOutside(unit: Unit, { projectId, name }: PublicNetwork, cidr: string): Promise<string> {
  const plain = { projectId, name, description: '' }
  const flags = { isUp: 1, isShared: 0, isExternal: 1, isDefault: 1, mtu: 1500, portSecurity: 1, isHostRouted: 0 }
  const network = await createNetwork(unit, { ...plain, ...flags })
  await createSubnet(unit, network, {
    ...plain,
    name: `${name}-subnet`,
    ipVersion: 4,
    cidr,
    gatewayIp: undefined,
    pools: undefined,
    // Nobody boots there; it is where floating addresses come from.
    dhcp: 0,
    dnsNameservers: '[]',
    hostRoutes: '[]',
    ipv6AddressMode: null,
    ipv6RaMode: null,
  })
  return network.id
}

/** An external network and a router between it and a network of guests, unless the project has one of that name. */
export async function ensurePublicNetwork(
  { work, gate, plumber }: { work: Work; gate: BindingGate; plumber: Plumber | undefined },
  wanted: PublicNetwork,
): Promise<void> {
  const candidates = wanted.cidr === undefined ? choices : [wanted.cidr]
  const cidr = plumber === undefined ? candidates[0] : await plumber.freeCidr(candidates)
  await work.run(async unit => {
    const known = await unit.db
      .selectFrom('networks')
      .select('id')
      .where('projectId', '=', wanted.projectId)
      .where('name', '=', wanted.name)
      .executeTakeFirst()
    if (known !== undefined) return
    if (cidr === undefined) throw NoFreeSubnet({ tried: candidates.join(', ') })
    const networkId = await makeOutside(unit, wanted, cidr)
    const router = await createRouter(unit, { projectId: wanted.projectId, name: 'router', description: '', isUp: 1 })
    const joined = await setGateway(unit, gate, router, { networkId, snat: true, addresses: [] })
    const subnets = await unit.db.selectFrom('subnets').select('id').where('networkId', '=', wanted.insideId).execute()
    for (const { id } of subnets) await joinSubnet(unit, gate, joined, id, () => true)
  })
}
