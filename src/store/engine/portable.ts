import type { DeleteResult, Insertable, Kysely, UpdateResult } from 'kysely'

/** Rows that an update or delete really changed: the answer of a compare-and-set. */
export const affected = (result: UpdateResult | DeleteResult): number =>
  Number('numUpdatedRows' in result ? result.numUpdatedRows : result.numDeletedRows)

/** Inserts, or updates the given columns where the key exists. The MySQL family words this differently. */
export async function upsert<T, K extends keyof T & string>(
  db: Kysely<T>,
  table: K,
  row: Insertable<T[K]>,
  key: readonly (keyof T[K] & string)[],
): Promise<void> {
  const changed = Object.fromEntries(Object.entries(row).filter(([column]) => !(key as readonly string[]).includes(column)))
  const insert = (db as unknown as Kysely<Record<string, Record<string, unknown>>>)
    .insertInto(table)
    .values(row as Record<string, unknown>)
  await insert
    .onConflict(c => {
      const target = c.columns(key as readonly string[])
      return Object.keys(changed).length === 0 ? target.doNothing() : target.doUpdateSet(changed)
    })
    .execute()
}

/** Inserts unless the key exists; true when it inserted. */
export async function insertIgnore<T, K extends keyof T & string>(
  db: Kysely<T>,
  table: K,
  row: Insertable<T[K]>,
): Promise<boolean> {
  const result = await (db as unknown as Kysely<Record<string, Record<string, unknown>>>)
    .insertInto(table)
    .values(row as Record<string, unknown>)
    .onConflict(c => c.doNothing())
    .executeTakeFirst()
  return Number(result.numInsertedOrUpdatedRows ?? 0n) > 0
}
