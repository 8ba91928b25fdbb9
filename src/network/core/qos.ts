import { namedUuid } from '#base'
import type { PortResources } from '#model'
import { among } from '#store/engine'
import { inSlices } from '../api/shared.ts'
import { QosPolicyInUse, QosPolicyNotFound, QosPromiseGiven } from '../qos-faults.ts'
import type { Db } from '../store/open.ts'
import type { NetworkRow, PortRow, QosRuleRow } from '../store/tables.ts'
import type { Unit } from './unit.ts'

type Kind = QosRuleRow['kind']

/** Placement's classes for what rules promise. */
const classes: Readonly<Record<Kind, Readonly<Record<QosRuleRow['direction'], string>>>> = {
  minimum_bandwidth: {
    egress: 'NET_BW_EGR_KILOBIT_PER_SEC',
    ingress: 'NET_BW_IGR_KILOBIT_PER_SEC',
    // Bandwidth always goes one way.
    any: 'NET_BW_EGR_KILOBIT_PER_SEC',
  },
  minimum_packet_rate: {
    egress: 'NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC',
    ingress: 'NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC',
    any: 'NET_PACKET_RATE_KILOPACKET_PER_SEC',
  },
}

const traitWord = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9_]+/g, '_')

/** What providers of ports of this kind are marked with. */
export const vnicTrait = (vnicType: string): string => `CUSTOM_VNIC_TYPE_${traitWord(vnicType)}`
export const physnetTrait = (name: string): string => `CUSTOM_PHYSNET_${traitWord(name)}`

export interface PortPromises {
  readonly groups: readonly PortResources[]
  readonly sameSubtree: readonly string[]
}

const nothing: PortPromises = { groups: [], sameSubtree: [] }

/** What a port with these rules wants of its host: bandwidth of one of its cards, packets of who moves them. */
export function promisesOf(
  port: Pick<PortRow, 'id' | 'vnicType'>,
  physicalNetwork: string | null,
  rules: readonly QosRuleRow[],
): PortPromises {
  const group = (kind: Kind, required: readonly string[]): PortResources[] => {
    const own = rules.filter(rule => rule.kind === kind)
    if (own.length === 0) return []
    const resources = Object.fromEntries(own.map(({ direction, amount }) => [classes[kind][direction], Number(amount)]))
    return [{ id: namedUuid(`qos ${port.id} ${kind}`), resources, required }]
  }
  const vnic = vnicTrait(port.vnicType)
  const onNetwork = physicalNetwork === null ? [] : [physnetTrait(physicalNetwork)]
  const groups = [...group('minimum_bandwidth', [...onNetwork, vnic]), ...group('minimum_packet_rate', [vnic])]
  return groups.length === 0 ? nothing : { groups, sameSubtree: groups.length > 1 ? groups.map(({ id }) => id) : [] }
}

type Networks = ReadonlyMap<string, Pick<NetworkRow, 'qosPolicyId' | 'physicalNetwork'>>

export async function networksOf(db: Db, ports: readonly Pick<PortRow, 'networkId'>[]): Promise<Networks> {
  const ids = [...new Set(ports.map(port => port.networkId))]
  const rows = await inSlices(ids, part =>
    db.selectFrom('networks').select(['id', 'qosPolicyId', 'physicalNetwork']).where('id', 'in', part).execute(),
  )
  return new Map(rows.map(row => [row.id, row]))
}

/** What ports of the network's own do is no guest's traffic. */
const isGuests = ({ deviceOwner }: Pick<PortRow, 'deviceOwner'>): boolean => !deviceOwner.startsWith('network:')

/** What each of these ports was promised; ports without promises are left out. */
export async function portPromises(
  db: Db,
  ports: readonly PortRow[],
  networks: Networks,
): Promise<ReadonlyMap<string, PortPromises>> {
  const policyOf = (port: PortRow) => port.qosPolicyId ?? networks.get(port.networkId)?.qosPolicyId ?? null
  const governed = ports.filter(port => isGuests(port) && policyOf(port) !== null)
  const ids = [...new Set(governed.flatMap(port => policyOf(port) ?? []))]
  if (ids.length === 0) return new Map()
  const rows = await inSlices(ids, part =>
    db.selectFrom('qosRules').selectAll().where('policyId', 'in', part).orderBy('kind').orderBy('direction').execute(),
  )
  const rules = Map.groupBy(rows, rule => rule.policyId)
  return new Map(
    governed.flatMap(port => {
      const physical = networks.get(port.networkId)?.physicalNetwork ?? null
      const promises = promisesOf(port, physical, rules.get(policyOf(port) ?? '') ?? [])
      return promises.groups.length === 0 ? [] : [[port.id, promises] as const]
    }),
  )
}

/** A policy that the requester may put on his ports: his own, or one that is shared. */
export async function usablePolicy(unit: Unit, id: string, projectId: string | null): Promise<void> {
  const row = await unit.db.selectFrom('qosPolicies').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || (projectId !== null && row.projectId !== projectId && row.isShared === 0))
    throw QosPolicyNotFound({ id })
}

/** Ports that servers have, under this policy by their own word or their network's. */
async function usedPorts(unit: Unit, policyId: string): Promise<readonly PortRow[]> {
  const { db } = unit
  const networks = await db.selectFrom('networks').select('id').where('qosPolicyId', '=', policyId).execute()
  const ids = networks.map(({ id }) => id)
  const ports = await db
    .selectFrom('ports')
    .selectAll()
    .where('deviceOwner', 'like', 'compute:%')
    .where(eb =>
      eb.or([
        eb('qosPolicyId', '=', policyId),
        ...(ids.length === 0 ? [] : [eb.and([eb('qosPolicyId', 'is', null), eb('networkId', 'in', among(ids))])]),
      ]),
    )
    .execute()
  return ports
}

/** What servers hold in placement was worked out from the rules as they are. */
export async function mustBeUnused(unit: Unit, policyId: string): Promise<void> {
  const [port] = await usedPorts(unit, policyId)
  if (port !== undefined) throw QosPromiseGiven({ portId: port.id })
}

async function hasRules(unit: Unit, policyId: string | null): Promise<boolean> {
  if (policyId === null) return false
  const rule = await unit.db.selectFrom('qosRules').select('id').where('policyId', '=', policyId).executeTakeFirst()
  return rule !== undefined
}

/** Another policy for a port that a server has would promise something else than it was given. */
export async function mayChangePolicy(unit: Unit, port: PortRow, next: string | null): Promise<void> {
  if (!port.deviceOwner.startsWith('compute:')) return
  const network = (await networksOf(unit.db, [port])).get(port.networkId)
  const [before, after] = [port.qosPolicyId, next].map(own => own ?? network?.qosPolicyId ?? null)
  if (before === after) return
  if ((await hasRules(unit, before ?? null)) || (await hasRules(unit, after ?? null)))
    throw QosPromiseGiven({ portId: port.id })
}

/** The same for all ports of a network that have no policy of their own. */
export async function mayChangeNetworkPolicy(unit: Unit, network: NetworkRow, next: string | null): Promise<void> {
  const { qosPolicyId: before } = network
  if (before === next) return
  if (!(await hasRules(unit, before)) && !(await hasRules(unit, next))) return
  const port = await unit.db
    .selectFrom('ports')
    .select('id')
    .where('networkId', '=', network.id)
    .where('qosPolicyId', 'is', null)
    .where('deviceOwner', 'like', 'compute:%')
    .executeTakeFirst()
  if (port !== undefined) throw QosPromiseGiven({ portId: port.id })
}

export async function deletePolicy(unit: Unit, id: string): Promise<void> {
  const user = async (kind: 'network' | 'port') => {
    const table = kind === 'network' ? 'networks' : 'ports'
    const row = await unit.db.selectFrom(table).select('id').where('qosPolicyId', '=', id).executeTakeFirst()
    if (row !== undefined) throw QosPolicyInUse({ id, kind, user: row.id })
  }
  await user('network')
  await user('port')
  await unit.db.deleteFrom('qosRules').where('policyId', '=', id).execute()
  await unit.db.deleteFrom('tags').where('resourceId', '=', id).execute()
  await unit.db.deleteFrom('qosPolicies').where('id', '=', id).execute()
}
