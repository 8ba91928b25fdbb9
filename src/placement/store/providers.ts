import { affected, among, prepared } from '#store/engine'
import type { PlacementTables, PlacementTransaction, Reader } from './tables.ts'

/** When and under which change number a write happens. */
export interface Stamp {
  readonly change: number
  readonly nowMs: number
}

export interface NewProvider {
  readonly uuid: string
  readonly name: string
  readonly parentKey: number | null
  readonly rootKey: number | null
}

export async function insertProvider(tx: PlacementTransaction, provider: NewProvider, stamp: Stamp): Promise<void> {
  await tx
    .insertInto('resource_providers')
    .values({
      uuid: provider.uuid,
      name: provider.name,
      generation: 0,
      parent_id: provider.parentKey,
      root_id: provider.rootKey,
      change: stamp.change,
      updated_at: stamp.nowMs,
    })
    .execute()
}

/** Compare-and-set on the generation; false when somebody else moved it. `bump` says whether it grows. */
export async function touchProvider(
  tx: PlacementTransaction,
  key: number,
  generation: number,
  bump: boolean,
  stamp: Stamp,
  values: Partial<Pick<PlacementTables['resource_providers'], 'name' | 'parent_id' | 'root_id'>> = {},
): Promise<boolean> {
  const result = await tx
    .updateTable('resource_providers')
    .set({ ...values, generation: generation + (bump ? 1 : 0), change: stamp.change, updated_at: stamp.nowMs })
    .where('id', '=', key)
    .where('generation', '=', generation)
    .executeTakeFirstOrThrow()
  return affected(result) === 1
}

/** Gives a subtree another root; `rootKey` null makes its members' root the provider itself. */
export async function moveToRoot(
  tx: PlacementTransaction,
  keys: readonly number[],
  rootKey: number,
  stamp: Stamp,
): Promise<void> {
  if (keys.length === 0) return
  await tx
    .updateTable('resource_providers')
    .set({ root_id: rootKey, change: stamp.change })
    .where('id', 'in', among(keys))
    .execute()
}

/** What nearly every claim does. */
const touchOne = prepared((db: Reader, { key, change, nowMs }: { key: number; change: number; nowMs: number }) =>
  db
    .updateTable('resource_providers')
    .set(e => ({ generation: e('generation', '+', 1), change, updated_at: nowMs }))
    .where('id', '=', key),
)

/** For allocation writes: one statement for all providers that gained allocations, one for those that only lost some. */
export async function touchForAllocations(
  tx: PlacementTransaction,
  gaining: readonly number[],
  losing: readonly number[],
  stamp: Stamp,
): Promise<void> {
  const [only] = gaining
  if (gaining.length === 1 && only !== undefined)
    await touchOne(tx, { key: only, change: stamp.change, nowMs: stamp.nowMs })
  else if (gaining.length > 0) {
    await tx
      .updateTable('resource_providers')
      .set(e => ({ generation: e('generation', '+', 1), change: stamp.change, updated_at: stamp.nowMs }))
      .where('id', 'in', among(gaining))
      .execute()
  }
  if (losing.length > 0) {
    await tx.updateTable('resource_providers').set({ change: stamp.change }).where('id', 'in', among(losing)).execute()
  }
}

/** All providers with inventory of a class; read again by everybody. */
export async function touchHoldersOfClass(tx: PlacementTransaction, classId: number, stamp: Stamp): Promise<void> {
  await tx
    .updateTable('resource_providers')
    .set({ change: stamp.change })
    .where('id', 'in', e => e.selectFrom('inventories').select('provider_id').where('class_id', '=', classId))
    .execute()
}

export async function removeProvider(tx: PlacementTransaction, key: number, stamp: Stamp): Promise<void> {
  await tx.deleteFrom('resource_providers').where('id', '=', key).execute()
  await tx.insertInto('removed_providers').values({ id: key, change: stamp.change }).execute()
}
