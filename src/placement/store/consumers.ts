import { affected, among, insertIgnore, insertRows, prepared } from '#store/engine'
import type { PlacementTables, PlacementTransaction, Reader } from './tables.ts'

export type ConsumerRow = PlacementTables['consumers']
export type AllocationRow = PlacementTables['allocations']

/** A consumer as stored, with what it holds. */
export interface StoredConsumer extends ConsumerRow {
  readonly allocations: readonly AllocationRow[]
}

/** One statement for all of them; a consumer always has allocations, so an inner join suffices. */
export async function readConsumers(db: Reader, uuids: readonly string[]): Promise<Map<string, StoredConsumer>> {
  const rows = await db
    .selectFrom('consumers as c')
    .innerJoin('allocations as a', 'a.consumer_uuid', 'c.uuid')
    .select(['c.uuid', 'c.generation', 'c.project_id', 'c.user_id', 'c.consumer_type', 'c.updated_at'])
    .select(['a.provider_id', 'a.class_id', 'a.used'])
    .where('c.uuid', 'in', among(uuids))
    .execute()
  const found = new Map<string, ConsumerRow & { allocations: AllocationRow[] }>()
  for (const { provider_id, class_id, used, ...consumer } of rows) {
    let entry = found.get(consumer.uuid)
    if (entry === undefined) found.set(consumer.uuid, (entry = { ...consumer, allocations: [] }))
    entry.allocations.push({ consumer_uuid: consumer.uuid, provider_id, class_id, used })
  }
  return found
}

/** False when the consumer exists. */
export const insertConsumerIfNew = (tx: PlacementTransaction, row: ConsumerRow): Promise<boolean> =>
  insertIgnore(tx, 'consumers', row)

export async function insertConsumers(tx: PlacementTransaction, rows: readonly ConsumerRow[]): Promise<void> {
  await insertRows(tx, 'consumers', rows)
}

/** Compare-and-set on the consumer's generation. */
export async function updateConsumer(
  tx: PlacementTransaction,
  row: ConsumerRow,
  fromGeneration: number,
): Promise<boolean> {
  const { uuid, ...values } = row
  const result = await tx
    .updateTable('consumers')
    .set(values)
    .where('uuid', '=', uuid)
    .where('generation', '=', fromGeneration)
    .executeTakeFirstOrThrow()
  return affected(result) === 1
}

/** Their allocations go with them. */
export async function removeConsumers(tx: PlacementTransaction, uuids: readonly string[]): Promise<void> {
  if (uuids.length > 0) await tx.deleteFrom('consumers').where('uuid', 'in', among(uuids)).execute()
}

export async function removeAllocations(tx: PlacementTransaction, uuids: readonly string[]): Promise<void> {
  if (uuids.length > 0) await tx.deleteFrom('allocations').where('consumer_uuid', 'in', among(uuids)).execute()
}

/** Rows of one statement whose text is kept: what nearly every server needs. */
const fewRows = 8

const insertFew = prepared((db: Reader, cells: Readonly<Record<string, string | number>>) =>
  db.insertInto('allocations').values(
    Array.from({ length: Object.keys(cells).length / 4 }, (_, n) => ({
      consumer_uuid: cells[`consumer${n}`] as string,
      provider_id: cells[`provider${n}`] as number,
      class_id: cells[`class${n}`] as number,
      used: cells[`used${n}`] as number,
    })),
  ),
)

export async function insertAllocations(tx: PlacementTransaction, rows: readonly AllocationRow[]): Promise<void> {
  if (rows.length === 0 || rows.length > fewRows) return insertRows(tx, 'allocations', rows)
  const cells: Record<string, string | number> = {}
  rows.forEach(({ consumer_uuid, provider_id, class_id, used }, n) => {
    cells[`consumer${n}`] = consumer_uuid
    cells[`provider${n}`] = provider_id
    cells[`class${n}`] = class_id
    cells[`used${n}`] = used
  })
  await insertFew(tx, cells)
}

export interface ProviderAllocation {
  readonly consumer_uuid: string
  readonly generation: number
  readonly class_id: number
  readonly used: number
  readonly updated_at: number
}

export const readAllocationsOf = (db: Reader, providerKey: number): Promise<ProviderAllocation[]> =>
  db
    .selectFrom('allocations as a')
    .innerJoin('consumers as c', 'c.uuid', 'a.consumer_uuid')
    .select(['a.consumer_uuid', 'c.generation', 'a.class_id', 'a.used', 'c.updated_at'])
    .where('a.provider_id', '=', providerKey)
    .orderBy('a.consumer_uuid')
    .execute()

export interface UsageRow {
  readonly consumer_type: string | null
  readonly class_id: number
  readonly used: number
}

/** Sums by consumer type and class for one project, or one user in it. */
export async function sumUsages(db: Reader, projectId: string, userId: string | undefined): Promise<UsageRow[]> {
  const rows = await db
    .selectFrom('consumers as c')
    .innerJoin('allocations as a', 'a.consumer_uuid', 'c.uuid')
    .select(e => ['c.consumer_type', 'a.class_id', e.fn.sum<number>('a.used').as('used')])
    .where('c.project_id', '=', projectId)
    .$if(userId !== undefined, q => q.where('c.user_id', '=', userId ?? ''))
    .groupBy(['c.consumer_type', 'a.class_id'])
    .execute()
  return rows.map(row => ({ ...row, used: Number(row.used) }))
}

export async function countConsumers(
  db: Reader,
  projectId: string,
  userId: string | undefined,
): Promise<{ consumer_type: string | null; count: number }[]> {
  const rows = await db
    .selectFrom('consumers as c')
    .select(e => ['c.consumer_type', e.fn.countAll<number>().as('count')])
    .where('c.project_id', '=', projectId)
    .$if(userId !== undefined, q => q.where('c.user_id', '=', userId ?? ''))
    .groupBy('c.consumer_type')
    .execute()
  return rows.map(row => ({ ...row, count: Number(row.count) }))
}
