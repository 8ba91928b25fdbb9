import { newUuid } from '#base'
import { prepared } from '#store/engine'
import { InvalidSharedSetting, NetworkInUse } from '../faults.ts'
import { ExternalNetworkInUse } from '../l3-faults.ts'
import type { Db } from '../store/open.ts'
import type { NetworkRow } from '../store/tables.ts'
import { ownPortOwners } from './own-ports.ts'
import { checkQuota } from './quotas.ts'
import { ensureDefaultGroup } from './security-groups.ts'
import { removeSubnetRows } from './subnets.ts'
import { stamp, type Unit } from './unit.ts'

type Unusual = 'physicalNetwork' | 'segmentationId' | 'qosPolicyId'

/** What few networks have is none unless it is given. */
export type NetworkContent = Omit<NetworkRow, 'id' | 'revision' | 'createdAtMs' | 'updatedAtMs' | Unusual> &
  Partial<Pick<NetworkRow, Unusual>>

const usual: Pick<NetworkRow, Unusual> = { physicalNetwork: null, segmentationId: null, qosPolicyId: null }

/** Neutron's name for what carries it. */
export const networkType = ({ physicalNetwork, segmentationId }: NetworkRow): 'local' | 'flat' | 'vlan' =>
  physicalNetwork === null ? 'local' : segmentationId === null ? 'flat' : 'vlan'

const networkRow = prepared((db: Db, { id }: { id: string }) =>
  db.selectFrom('networks').selectAll().where('id', '=', id),
)

export async function networkById(db: Db, id: string): Promise<NetworkRow | undefined> {
  return (await networkRow(db, { id })).rows[0]
}

export async function createNetwork(unit: Unit, content: NetworkContent): Promise<NetworkRow> {
  await checkQuota(unit.db, content.projectId, 'network')
  await ensureDefaultGroup(unit, content.projectId)
  const row: NetworkRow = { id: newUuid(), ...usual, ...content, ...stamp(unit) }
  await unit.db.insertInto('networks').values(row).execute()
  return row
}

async function checkNoGateways(unit: Unit, id: string): Promise<void> {
  const gateway = await unit.db
    .selectFrom('routers')
    .select('id')
    .where('externalNetworkId', '=', id)
    .executeTakeFirst()
  if (gateway !== undefined) throw ExternalNetworkInUse({ id })
}

export async function updateNetwork(unit: Unit, row: NetworkRow, change: Partial<NetworkContent>): Promise<NetworkRow> {
  if (row.isShared === 1 && change.isShared === 0) {
    const guest = await unit.db
      .selectFrom('ports')
      .select('id')
      .where('networkId', '=', row.id)
      .where('projectId', '!=', row.projectId)
      .where('deviceOwner', 'not in', ownPortOwners)
      .executeTakeFirst()
    if (guest !== undefined) throw InvalidSharedSetting({ network: row.name })
  }
  if (row.isExternal === 1 && change.isExternal === 0) await checkNoGateways(unit, row.id)
  const next = { ...row, ...change, revision: row.revision + 1, updatedAtMs: unit.nowMs }
  await unit.db.updateTable('networks').set(next).where('id', '=', row.id).execute()
  unit.touched.networks.add(row.id)
  return next
}

export async function deleteNetwork(unit: Unit, id: string): Promise<void> {
  const used = await unit.db
    .selectFrom('ports')
    .select('id')
    .where('networkId', '=', id)
    .where('deviceOwner', 'not in', ownPortOwners)
    .executeTakeFirst()
  if (used !== undefined) throw NetworkInUse({ id })
  await unit.db.deleteFrom('ports').where('networkId', '=', id).execute()
  const subnets = await unit.db.selectFrom('subnets').select('id').where('networkId', '=', id).execute()
  for (const subnet of subnets) await removeSubnetRows(unit, subnet.id)
  await unit.db.deleteFrom('leases').where('networkId', '=', id).execute()
  await unit.db.deleteFrom('tags').where('resourceId', '=', id).execute()
  await unit.db.deleteFrom('networks').where('id', '=', id).execute()
  unit.touched.networks.add(id)
}
