import { deleteUnusedFloatingIps } from '../../core/floating-ips.ts'
import { createNetwork, deleteNetwork, type NetworkContent, networkById, updateNetwork } from '../../core/networks.ts'
import { BadRequest, NetworkNotFound } from '../../faults.ts'
import type { NetworkRow } from '../../store/tables.ts'
import { attribute, integer, oneOf, orNull, readOnly, truth, type Values } from '../attributes.ts'
import { ownerOf, type Reading } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, named, ownerWire, stampWire, tagsOf, zoneHints } from '../shared.ts'

const adminOnly = { isAdminGiven: true, isAdminSeen: true, put: false } as const

const attributes = {
  ...named,
  admin_state_up: attribute(truth),
  shared: attribute(truth, { isAdminGiven: true, harmless: false }),
  'router:external': attribute(truth, { isAdminGiven: true, harmless: false }),
  is_default: attribute(truth, { isAdminGiven: true, harmless: false }),
  mtu: attribute(integer(68, 65_535)),
  port_security_enabled: attribute(truth),
  // Networks live on one machine's bridges: there is nothing between hosts that a segment could be on.
  'provider:network_type': attribute(orNull(oneOf('local')), adminOnly),
  'provider:physical_network': attribute(orNull(oneOf<string>()), adminOnly),
  'provider:segmentation_id': attribute(orNull(oneOf<number>()), adminOnly),
  status: readOnly(),
  subnets: readOnly(),
  availability_zones: readOnly(),
  availability_zone_hints: zoneHints,
} as const

const defaultMtu = 1500

export async function visibleNetworks(
  { db, requester }: Reading,
  ids?: readonly string[],
): Promise<readonly NetworkRow[]> {
  const read = (part?: readonly string[]) => {
    let query = db.selectFrom('networks').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where('id', 'in', part)
    if (!requester.isAdmin) {
      query = query.where(eb =>
        eb.or([eb('projectId', '=', requester.projectId ?? ''), eb('isShared', '=', 1), eb('isExternal', '=', 1)]),
      )
    }
    return query.execute()
  }
  return ids === undefined ? read() : inSlices(ids, read)
}

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const rows = await visibleNetworks(reading, narrow.ids)
  const ids = rows.map(row => row.id)
  const tags = await tagsOf(reading.db, ids)
  const subnets = await inSlices(ids, part =>
    reading.db
      .selectFrom('subnets')
      .select(['id', 'networkId'])
      .where('networkId', 'in', part)
      .orderBy('createdAtMs')
      .execute(),
  )
  const subnetsOf = Map.groupBy(subnets, subnet => subnet.networkId)
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    ...ownerWire(row.projectId),
    admin_state_up: row.isUp === 1,
    mtu: row.mtu,
    status: row.isUp === 1 ? 'ACTIVE' : 'DOWN',
    subnets: (subnetsOf.get(row.id) ?? []).map(subnet => subnet.id),
    shared: row.isShared === 1,
    availability_zone_hints: [],
    availability_zones: ['nova'],
    'router:external': row.isExternal === 1,
    is_default: row.isDefault === 1,
    port_security_enabled: row.portSecurity === 1,
    'provider:network_type': 'local',
    'provider:physical_network': null,
    'provider:segmentation_id': null,
    description: row.description,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

const flag = <K extends keyof NetworkContent>(key: K, value: boolean | undefined) =>
  value === undefined ? {} : { [key]: Number(value) }

type NetworkValues = Values<typeof attributes>

const changesOf = (values: NetworkValues): Partial<NetworkContent> => ({
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values.description === undefined ? {} : { description: values.description }),
  ...(values.mtu === undefined ? {} : { mtu: values.mtu }),
  ...flag('isUp', values.admin_state_up),
  ...flag('isShared', values.shared),
  ...flag('isExternal', values['router:external']),
  ...flag('isDefault', values.is_default),
  ...flag('portSecurity', values.port_security_enabled),
})

export const networks: Resource<typeof attributes> = {
  singular: 'network',
  plural: 'networks',
  path: 'networks',
  attributes,
  list,
  missing: id => NetworkNotFound({ id }),
  async create({ unit, requester }, values) {
    const content: NetworkContent = {
      projectId: ownerOf(requester, values),
      name: '',
      description: '',
      isUp: 1,
      isShared: 0,
      isExternal: 0,
      isDefault: 0,
      mtu: defaultMtu,
      portSecurity: 1,
      ...changesOf(values),
    }
    return (await createNetwork(unit, content)).id
  },
  async update({ unit }, seen, values) {
    const row = await networkById(unit.db, seen.id)
    if (row === undefined) throw NetworkNotFound({ id: seen.id })
    if (values.is_default === true && row.isExternal === 0 && values['router:external'] !== true) {
      throw BadRequest({ reason: 'The network must be external to be a default one' })
    }
    await updateNetwork(unit, row, changesOf(values))
  },
  async remove({ unit }, seen) {
    await deleteUnusedFloatingIps(unit, seen.id)
    await deleteNetwork(unit, seen.id)
  },
}
