import type { BindingGate } from '../../core/binding.ts'
import { type Association, createFloatingIp, deleteFloatingIp, updateFloatingIp } from '../../core/floating-ips.ts'
import { NetworkNotFound, PortNotFound } from '../../faults.ts'
import { BadResource, FloatingIpNotFound } from '../../l3-faults.ts'
import type { FloatingIpRow } from '../../store/tables.ts'
import { address, attribute, orNull, readOnly, uuid, type Values } from '../attributes.ts'
import { ownerOf, type Reading } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, ownerWire, stampWire, standard, tagsOf } from '../shared.ts'
import { visibleNetworks } from './networks.ts'
import { visiblePorts } from './ports.ts'

const attributes = {
  ...standard,
  floating_network_id: attribute(uuid, { put: false, isRequired: true }),
  floating_ip_address: attribute(orNull(address), { put: false, isAdminGiven: true, harmless: null }),
  subnet_id: attribute(orNull(uuid), { put: false }),
  port_id: attribute(orNull(uuid)),
  fixed_ip_address: attribute(orNull(address)),
  router_id: readOnly(),
  status: readOnly(),
  port_details: readOnly(),
} as const

type FloatingIpValues = Values<typeof attributes>

export async function visibleFloatingIps(
  { db, requester }: Reading,
  narrow: Pick<Narrow, 'ids' | 'portIds'>,
): Promise<readonly FloatingIpRow[]> {
  const read = (column: 'id' | 'portId', part?: readonly string[]) => {
    let query = db.selectFrom('floatingIps').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where(column, 'in', part)
    if (!requester.isAdmin) query = query.where('projectId', '=', requester.projectId ?? '')
    return query.execute()
  }
  if (narrow.ids !== undefined) return inSlices(narrow.ids, part => read('id', part))
  return narrow.portIds === undefined ? read('id') : inSlices(narrow.portIds, part => read('portId', part))
}

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const { db } = reading
  const rows = await visibleFloatingIps(reading, narrow)
  const tags = await tagsOf(
    db,
    rows.map(row => row.id),
  )
  const ports = await inSlices(
    rows.flatMap(row => row.portId ?? []),
    part => db.selectFrom('ports').selectAll().where('id', 'in', part).execute(),
  )
  const portsById = new Map(ports.map(port => [port.id, port]))
  const details = (id: string | null) => {
    const port = id === null ? undefined : portsById.get(id)
    if (port === undefined) return null
    const { name, networkId, mac, isUp, status, deviceId, deviceOwner } = port
    const owner = { device_id: deviceId, device_owner: deviceOwner }
    return { name, network_id: networkId, mac_address: mac, admin_state_up: isUp === 1, status, ...owner }
  }
  return rows.map(row => ({
    id: row.id,
    ...ownerWire(row.projectId),
    floating_ip_address: row.address,
    floating_network_id: row.networkId,
    router_id: row.routerId,
    port_id: row.portId,
    fixed_ip_address: row.fixedAddress,
    status: row.status,
    description: row.description,
    port_details: details(row.portId),
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

/** `null`: no port; undefined: not spoken of. */
async function associationOf(reading: Reading, values: FloatingIpValues): Promise<Association | null | undefined> {
  const { port_id: portId } = values
  const fixedAddress = values.fixed_ip_address ?? undefined
  if (fixedAddress !== undefined && (portId ?? null) === null) {
    throw BadResource({
      resource: 'floatingip',
      reason: 'fixed_ip_address cannot be specified without a port_id',
    })
  }
  if (portId === undefined || portId === null) return portId
  if ((await visiblePorts(reading, { ids: [portId] })).length === 0) throw PortNotFound({ id: portId })
  return { portId, fixedAddress }
}

export const floatingIpsResource = (gate: BindingGate): Resource<typeof attributes> => ({
  singular: 'floatingip',
  plural: 'floatingips',
  path: 'floatingips',
  attributes,
  list,
  missing: id => FloatingIpNotFound({ id }),
  async create({ unit, requester }, values) {
    const reading = { db: unit.db, requester }
    const networkId = values.floating_network_id ?? ''
    if ((await visibleNetworks(reading, [networkId])).length === 0) throw NetworkNotFound({ id: networkId })
    const request = {
      projectId: ownerOf(requester, values),
      networkId,
      description: values.description ?? '',
      subnetId: values.subnet_id ?? undefined,
      address: values.floating_ip_address ?? undefined,
      association: (await associationOf(reading, values)) ?? undefined,
    }
    return (await createFloatingIp(unit, gate, request, () => requester.isAdmin)).id
  },
  async update({ unit, requester }, seen, values) {
    const association = await associationOf({ db: unit.db, requester }, values)
    const change = {
      ...(association === undefined ? {} : { association }),
      ...(values.description === undefined ? {} : { description: values.description }),
    }
    await updateFloatingIp(unit, seen.id, change, () => requester.isAdmin)
  },
  remove: ({ unit }, seen) => deleteFloatingIp(unit, seen.id),
})
