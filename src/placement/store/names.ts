import type { PlacementTransaction, Reader } from './tables.ts'

export type Dictionary = 'resource_classes' | 'traits'

export interface NameRow {
  readonly id: number
  readonly name: string
  readonly updated_at: number
}

export const readNames = (db: Reader, dictionary: Dictionary): Promise<NameRow[]> =>
  db.selectFrom(dictionary).select(['id', 'name', 'updated_at']).orderBy('id').execute()

export async function addNames(
  tx: PlacementTransaction,
  dictionary: Dictionary,
  names: readonly string[],
  nowMs: number,
  firstId?: number,
): Promise<void> {
  const rows = names.map((name, index) => ({
    name,
    updated_at: nowMs,
    ...(firstId === undefined ? {} : { id: firstId + index }),
  }))
  await tx.insertInto(dictionary).values(rows).execute()
}

export async function renameName(
  tx: PlacementTransaction,
  dictionary: Dictionary,
  id: number,
  name: string,
  nowMs: number,
): Promise<void> {
  await tx.updateTable(dictionary).set({ name, updated_at: nowMs }).where('id', '=', id).execute()
}

export async function removeName(tx: PlacementTransaction, dictionary: Dictionary, id: number): Promise<void> {
  await tx.deleteFrom(dictionary).where('id', '=', id).execute()
}
