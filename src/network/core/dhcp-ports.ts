import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { among } from '#store/engine'
import { IpAddressGenerationFailure } from '../faults.ts'
import type { PortRow, Tables } from '../store/tables.ts'
import { allocateAddresses } from './allocate.ts'
import type { BindingGate } from './binding.ts'
import { networkById } from './networks.ts'
import { insertPort } from './ports.ts'
import { ownPort } from './routers.ts'
import type { Unit } from './unit.ts'

/**
 * The port from which a network's guests are served: DHCP, names, metadata. One for each network with guests, with an
 * address in every subnet that has DHCP. It is settled at the end of each transaction for the networks that this touched,
 * so that whatever makes it necessary (a guest, a subnet, a switch of a subnet) need not think of it.
 */

const dhcpOwner = 'network:dhcp'

type OfSubnet = ExpressionBuilder<Tables, 'subnets'>

/** Guests are connected to the subnet's network somewhere. */
const hasGuests = (eb: OfSubnet): Expression<SqlBool> =>
  eb.exists(
    eb
      .selectFrom('ports as guests')
      .select('guests.id')
      .whereRef('guests.networkId', '=', 'subnets.networkId')
      .where('guests.vifType', '=', 'bridge')
      .where('guests.bindingHost', '!=', '')
      .where('guests.deviceOwner', 'not like', 'network:%'),
  )

const isServed = (eb: OfSubnet): Expression<SqlBool> =>
  eb.exists(
    eb
      .selectFrom('fixedIps')
      .innerJoin('ports as servers', 'servers.id', 'fixedIps.portId')
      .select('servers.id')
      .whereRef('fixedIps.subnetId', '=', 'subnets.id')
      .where('servers.deviceOwner', '=', dhcpOwner),
  )

function concerns(unit: Unit) {
  const { networks, ports } = unit.touched
  return (eb: OfSubnet): Expression<SqlBool> =>
    eb.or([
      eb('subnets.networkId', 'in', among([...networks])),
      eb(
        'subnets.networkId',
        'in',
        eb
          .selectFrom('ports as touched')
          .select('touched.networkId')
          .where('touched.id', 'in', among([...ports])),
      ),
    ])
}

async function portOf(unit: Unit, gate: BindingGate, networkId: string): Promise<PortRow | undefined> {
  const known = await unit.db
    .selectFrom('ports')
    .selectAll()
    .where('networkId', '=', networkId)
    .where('deviceOwner', '=', dhcpOwner)
    .orderBy('createdAtMs')
    .orderBy('id')
    .executeTakeFirst()
  const network = known === undefined ? await networkById(unit.db, networkId) : undefined
  if (network === undefined) return known
  const asked = { projectId: network.projectId, deviceId: `dhcp${networkId}`, deviceOwner: dhcpOwner, fixedIps: [] }
  return insertPort(unit, gate, network, ownPort(gate, asked))
}

/** A subnet that is full stays without: its guests are what it is for. */
async function serve(unit: Unit, port: PortRow, subnetId: string): Promise<void> {
  const owner = { portId: port.id, networkId: port.networkId, mac: port.mac, deviceOwner: port.deviceOwner }
  await allocateAddresses(unit, owner, [{ subnetId }]).catch((error: unknown) => {
    if (!IpAddressGenerationFailure.is(error)) throw error
  })
}

/** Addresses in subnets that have no DHCP any more, and ports without an address. */
async function release(unit: Unit): Promise<void> {
  const networkIds = among([...unit.touched.networks])
  const servers = unit.db
    .selectFrom('ports')
    .select('ports.id')
    .where('ports.deviceOwner', '=', dhcpOwner)
    .where('ports.networkId', 'in', networkIds)
  const without = unit.db
    .selectFrom('subnets')
    .select('subnets.id')
    .where('subnets.networkId', 'in', networkIds)
    .where('subnets.dhcp', '=', 0)
  await unit.db.deleteFrom('fixedIps').where('portId', 'in', servers).where('subnetId', 'in', without).execute()
  await removeBare(unit, among([...unit.touched.networks]))
}

async function removeBare(unit: Unit, networkIds: ReturnType<typeof among<string>>): Promise<void> {
  await unit.db
    .deleteFrom('ports')
    .where('deviceOwner', '=', dhcpOwner)
    .where('networkId', 'in', networkIds)
    .where(eb =>
      eb.not(eb.exists(eb.selectFrom('fixedIps').select('portId').whereRef('fixedIps.portId', '=', 'ports.id'))),
    )
    .execute()
}

export async function settleDhcpPorts(unit: Unit, gate: BindingGate): Promise<void> {
  const { networks, ports } = unit.touched
  // Simulated guests are served by nobody.
  if (gate.plumbedHost === undefined || networks.size + ports.size === 0) return
  if (networks.size > 0) await release(unit)
  const lacking = await unit.db
    .selectFrom('subnets')
    .select(['subnets.id', 'subnets.networkId'])
    .where('subnets.dhcp', '=', 1)
    .where(concerns(unit))
    .where(hasGuests)
    .where(eb => eb.not(isServed(eb)))
    .orderBy('subnets.createdAtMs')
    .orderBy('subnets.id')
    .execute()
  for (const { id, networkId } of lacking) {
    const port = await portOf(unit, gate, networkId)
    if (port !== undefined) await serve(unit, port, id)
  }
  if (lacking.length > 0) await removeBare(unit, among(lacking.map(({ networkId }) => networkId)))
}
