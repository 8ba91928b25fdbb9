import type { Inventory } from '#cloud'
import type { PlacementTransaction } from './tables.ts'

export interface InventoryRow extends Inventory {
  readonly classId: number
}

const values = (providerKey: number, row: InventoryRow, nowMs: number) => ({
  provider_id: providerKey,
  class_id: row.classId,
  total: row.total,
  reserved: row.reserved,
  min_unit: row.minUnit,
  max_unit: row.maxUnit,
  step_size: row.stepSize,
  allocation_ratio: row.allocationRatio,
  updated_at: nowMs,
})

/** Removes the classes named and writes the rows given; others stay. */
export async function changeInventories(
  tx: PlacementTransaction,
  providerKey: number,
  removed: readonly number[],
  written: readonly InventoryRow[],
  nowMs: number,
): Promise<void> {
  const gone = [...removed, ...written.map(row => row.classId)]
  if (gone.length > 0) {
    await tx.deleteFrom('inventories').where('provider_id', '=', providerKey).where('class_id', 'in', gone).execute()
  }
  if (written.length > 0) {
    await tx
      .insertInto('inventories')
      .values(written.map(row => values(providerKey, row, nowMs)))
      .execute()
  }
}

export async function changeTraits(
  tx: PlacementTransaction,
  providerKey: number,
  removed: readonly number[],
  added: readonly number[],
): Promise<void> {
  if (removed.length > 0) {
    await tx
      .deleteFrom('provider_traits')
      .where('provider_id', '=', providerKey)
      .where('trait_id', 'in', removed)
      .execute()
  }
  if (added.length > 0) {
    await tx
      .insertInto('provider_traits')
      .values(added.map(trait_id => ({ provider_id: providerKey, trait_id })))
      .execute()
  }
}

export async function changeAggregates(
  tx: PlacementTransaction,
  providerKey: number,
  removed: readonly string[],
  added: readonly string[],
): Promise<void> {
  if (removed.length > 0) {
    await tx
      .deleteFrom('provider_aggregates')
      .where('provider_id', '=', providerKey)
      .where('aggregate_uuid', 'in', removed)
      .execute()
  }
  if (added.length > 0) {
    await tx
      .insertInto('provider_aggregates')
      .values(added.map(aggregate_uuid => ({ provider_id: providerKey, aggregate_uuid })))
      .execute()
  }
}
