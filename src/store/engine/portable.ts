import { type DeleteResult, type Insertable, type Kysely, sql, type UpdateResult } from 'kysely'

/** Rows that an update or delete really changed: the answer of a compare-and-set. */
export const affected = (result: UpdateResult | DeleteResult): number =>
  Number('numUpdatedRows' in result ? result.numUpdatedRows : result.numDeletedRows)

/** The shape-blind view of a database that the two functions below need: kysely cannot type a generic table's columns. */
type Loose = Kysely<Record<string, Record<string, unknown>>>

/** Inserts, or updates the other columns where the key exists. The MySQL family words this differently. */
export async function upsert<T, K extends keyof T & string>(
  db: Kysely<T>,
  table: K,
  row: Insertable<T[K]>,
  key: readonly (keyof T[K] & string)[],
): Promise<void> {
  const keys: readonly string[] = key
  const changed = Object.fromEntries(Object.entries(row).filter(([column]) => !keys.includes(column)))
  await (db as unknown as Loose)
    .insertInto<string>(table)
    .values(row as Record<string, unknown>)
    .onConflict(conflict => {
      const target = conflict.columns(keys)
      return Object.keys(changed).length === 0 ? target.doNothing() : target.doUpdateSet(() => changed as never)
    })
    .execute()
}

/** Inserts unless the key exists; true when it inserted. */
export async function insertIgnore<T, K extends keyof T & string>(
  db: Kysely<T>,
  table: K,
  row: Insertable<T[K]>,
): Promise<boolean> {
  const result = await (db as unknown as Loose)
    .insertInto<string>(table)
    .values(row as Record<string, unknown>)
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirst()
  return Number(result.numInsertedOrUpdatedRows ?? 0n) > 0
}

/**
 * For `where(column, 'in', amongJson(list))`: the strings of a JSON list as one parameter. Databases bound the number of
 * parameters (SQLite to 32,766), and a statement with another number of them is another statement.
 */
export const amongJson = (list: string) => sql<string>`(select value from json_each(${list}))`

/** The database sees how short a list is, and looks each value up by the best index. */
const fewValues = 64

/** The same for values that are no JSON yet: every list whose length a user decides goes to the database this way. */
export const among = <T extends string | number>(values: readonly T[]) =>
  values.length > 0 && values.length <= fewValues
    ? sql<T>`(${sql.join(values)})`
    : sql<T>`(select value from json_each(${JSON.stringify(values)}))`

/** Below every database's bound on the parameters of one statement. */
const parametersAtOnce = 30_000

/** Any number of rows, in as many statements as it takes; call in a transaction. */
export async function insertRows<T, K extends keyof T & string>(
  db: Kysely<T>,
  table: K,
  rows: readonly Insertable<T[K]>[],
): Promise<void> {
  const size = Math.floor(parametersAtOnce / Math.max(1, Object.keys(rows[0] ?? {}).length))
  for (let at = 0; at < rows.length; at += size) {
    const some = rows.slice(at, at + size) as Record<string, unknown>[]
    await (db as unknown as Loose).insertInto<string>(table).values(some).execute()
  }
}
