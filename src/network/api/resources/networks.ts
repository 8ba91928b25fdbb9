import type { BindingGate } from '../../core/binding.ts'
import { deleteUnusedFloatingIps } from '../../core/floating-ips.ts'
import {
  createNetwork,
  deleteNetwork,
  type NetworkContent,
  networkById,
  networkType,
  updateNetwork,
} from '../../core/networks.ts'
import { mayChangeNetworkPolicy, usablePolicy } from '../../core/qos.ts'
import type { Unit } from '../../core/unit.ts'
import { BadRequest, NetworkNotFound } from '../../faults.ts'
import type { NetworkRow } from '../../store/tables.ts'
import { attribute, integer, oneOf, orNull, readOnly, text, truth, uuid, type Values } from '../attributes.ts'
import { ownerOf, type Reading, type Requester } from '../context.ts'
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
  'provider:network_type': attribute(orNull(oneOf('local', 'flat', 'vlan')), adminOnly),
  'provider:physical_network': attribute(orNull(text(64)), adminOnly),
  'provider:segmentation_id': attribute(orNull(integer(1, 4094)), adminOnly),
  qos_policy_id: attribute(orNull(uuid)),
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
    'provider:network_type': networkType(row),
    'provider:physical_network': row.physicalNetwork,
    'provider:segmentation_id': row.segmentationId,
    qos_policy_id: row.qosPolicyId,
    description: row.description,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

/**
 * Networks live on one machine's bridges: there is nothing between hosts that a segment could be on. Simulated hosts
 * wire nothing, and may have any.
 */
function segmentOf(values: NetworkValues, gate: BindingGate) {
  const type = values['provider:network_type'] ?? 'local'
  const physicalNetwork = values['provider:physical_network'] ?? null
  const segmentationId = values['provider:segmentation_id'] ?? null
  const refuse = (reason: string) =>
    BadRequest({ reason: `Invalid input for provider:network_type. Reason: ${reason}.` })
  if (type !== 'local' && gate.plumbedHost !== undefined) throw refuse(`'${type}' is not in ['local']`)
  if ((type === 'local') !== (physicalNetwork === null))
    throw refuse(`a network of type ${type} ${type === 'local' ? 'has no' : 'needs a'} physical network`)
  if ((type === 'vlan') !== (segmentationId !== null))
    throw refuse(`a network of type ${type} ${type === 'vlan' ? 'needs a' : 'has no'} segmentation id`)
  return { physicalNetwork, segmentationId }
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
  ...(values.qos_policy_id === undefined ? {} : { qosPolicyId: values.qos_policy_id }),
})

/** A policy that the requester may use. */
export async function checkPolicy(
  unit: Unit,
  requester: Requester,
  { qos_policy_id: id }: { readonly qos_policy_id?: string | null },
): Promise<void> {
  if (id === undefined || id === null) return
  await usablePolicy(unit, id, requester.isAdmin ? null : requester.projectId)
}

export const networksResource = (gate: BindingGate): Resource<typeof attributes> => ({
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
      ...segmentOf(values, gate),
      isHostRouted: 0,
      ...changesOf(values),
    }
    await checkPolicy(unit, requester, values)
    return (await createNetwork(unit, content)).id
  },
  async update({ unit, requester }, seen, values) {
    const row = await networkById(unit.db, seen.id)
    if (row === undefined) throw NetworkNotFound({ id: seen.id })
    if (values.is_default === true && row.isExternal === 0 && values['router:external'] !== true) {
      throw BadRequest({ reason: 'The network must be external to be a default one' })
    }
    await checkPolicy(unit, requester, values)
    if (values.qos_policy_id !== undefined) await mayChangeNetworkPolicy(unit, row, values.qos_policy_id)
    await updateNetwork(unit, row, changesOf(values))
  },
  async remove({ unit }, seen) {
    await deleteUnusedFloatingIps(unit, seen.id)
    await deleteNetwork(unit, seen.id)
  },
})
