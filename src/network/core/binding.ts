import { overlaps } from '../addresses.ts'
import type { Db } from '../store/open.ts'
import type { PortRow } from '../store/tables.ts'
import { cidrOf } from './subnets.ts'

/** What binding a port asks of the world. */
export interface BindingGate {
  /** The host this service plumbs; undefined: it plumbs nothing (fake hypervisors), so anything can be bound. */
  readonly plumbedHost: string | undefined
  /** Other hosts of this machine, which it plumbs as well. */
  readonly otherHosts?: ReadonlySet<string>
  /** Why that host cannot carry such a network; undefined when it can. */
  refusal(networkId: string, cidrs: readonly string[]): Promise<string | undefined>
}

/** The port with which a router is on an external network; that network lives on the host like one with guests. */
export const gatewayOwner = 'network:router_gateway'

/** As Neutron's Linux bridge agent names them; 14 characters, below the kernel's limit of 15. */
export const bridgeName = (networkId: string): string => `brq${networkId.slice(0, 11)}`
export const tapName = (portId: string): string => `tap${portId.slice(0, 11)}`

/** Ports that want a function of a card, and how such a function is connected. */
const cards: Readonly<Record<string, string>> = {
  direct: 'hw_veb',
  macvtap: 'hw_veb',
  'direct-physical': 'hostdev_physical',
  vdpa: 'vdpa',
  'remote-managed': 'ovs',
}

/** Bound to a function of a card, which the guest has to itself: there is nothing to wire. */
export const isCard = ({ vnicType, vifType }: Pick<PortRow, 'vnicType' | 'vifType'>): boolean =>
  cards[vnicType] !== undefined && cards[vnicType] === vifType

export const vnicTypes = [
  'normal',
  'direct',
  'macvtap',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
  'vdpa',
  'remote-managed',
] as const

type Binding = Pick<PortRow, 'vifType' | 'vifDetails' | 'isPlugged'>

export async function bind(db: Db, gate: BindingGate, port: PortRow): Promise<Binding> {
  const isPlugged = 0
  if (port.bindingHost === '') return { vifType: 'unbound', vifDetails: '{}', isPlugged }
  if (port.deviceOwner.startsWith('network:') && port.deviceOwner !== gatewayOwner) {
    return { vifType: 'bridge', vifDetails: '{}', isPlugged }
  }
  const reason = await refusalOf(db, gate, port)
  if (reason !== undefined) {
    return { vifType: 'binding_failed', vifDetails: JSON.stringify({ binding_failed_reason: reason }), isPlugged }
  }
  const card = cards[port.vnicType]
  if (card !== undefined) {
    const vlan = String((await networkOf(db, port.networkId))?.segmentationId ?? 0)
    const details = { port_filter: false, connectivity: 'l2', ...(card === 'hw_veb' ? { vlan } : {}) }
    return { vifType: card, vifDetails: JSON.stringify(details), isPlugged }
  }
  const details = { bridge_name: bridgeName(port.networkId), port_filter: true, connectivity: 'l2' }
  return { vifType: 'bridge', vifDetails: JSON.stringify(details), isPlugged }
}

const networkOf = (db: Db, id: string) =>
  db.selectFrom('networks').select('segmentationId').where('id', '=', id).executeTakeFirst()

/** External networks that live on the host already, by the ports bound there. */
const carriedNetworks = (db: Db) =>
  db
    .selectFrom('ports')
    .innerJoin('networks', 'networks.id', 'ports.networkId')
    .select('networks.id')
    .where('networks.isExternal', '=', 1)
    .where('ports.vifType', '=', 'bridge')
    .where('ports.bindingHost', '!=', '')
    .where(eb => eb.or([eb('ports.deviceOwner', 'not like', 'network:%'), eb('ports.deviceOwner', '=', gatewayOwner)]))

async function refusalOf(db: Db, gate: BindingGate, port: PortRow): Promise<string | undefined> {
  // Simulated hosts have whatever cards they say they have.
  if (gate.plumbedHost === undefined && port.vnicType in cards) return undefined
  if (port.vnicType !== 'normal') return `vnic_type ${port.vnicType} is not supported`
  if (gate.plumbedHost === undefined) return undefined
  const isPlumbed = port.bindingHost === gate.plumbedHost || gate.otherHosts?.has(port.bindingHost) === true
  if (!isPlumbed) return `the network of host ${port.bindingHost} is not managed here`
  const carried = await db
    .selectFrom('subnets')
    .innerJoin('networks', 'networks.id', 'subnets.networkId')
    .select(['subnets.networkId', 'subnets.cidr'])
    .where('networks.isExternal', '=', 1)
    .where(eb => eb.or([eb('networks.id', '=', port.networkId), eb('networks.id', 'in', carriedNetworks(db))]))
    .execute()
  // What is not external lives in namespaces, and collides with nothing.
  const own = carried.filter(subnet => subnet.networkId === port.networkId)
  for (const { cidr } of own) {
    // One host has one routing table.
    const other = carried.find(
      subnet => subnet.networkId !== port.networkId && overlaps(cidrOf(subnet), cidrOf({ cidr })),
    )
    if (other !== undefined)
      return `subnet ${cidr} overlaps subnet ${other.cidr} of network ${other.networkId} on this host`
  }
  const isCarried = await carriedNetworks(db).where('networks.id', '=', port.networkId).limit(1).executeTakeFirst()
  if (own.length === 0 || isCarried !== undefined) return undefined
  return gate.refusal(
    port.networkId,
    own.map(subnet => subnet.cidr),
  )
}
