import { type DeleteResult, type Insertable, type Kysely, sql, type UpdateResult } from 'kysely'
import { poolOf } from './mysql/dialect.ts'
import { troubleOf } from './mysql/errors.ts'
import { listClose, listOpen } from './words.ts'

/** Rows that an update or delete really changed: the answer of a compare-and-set. */
export const affected = (result: UpdateResult | DeleteResult): number =>
  Number('numUpdatedRows' in result ? result.numUpdatedRows : result.numDeletedRows)

/** The shape-blind view of a database that the two functions below need: kysely cannot type a generic table's columns. */
type Loose = Kysely<Record<string, Record<string, unknown>>>

/** False for a row whose key is there; a transaction goes on after it. */
async function insertNew(db: Loose, table: string, row: Record<string, unknown>): Promise<boolean> {
  try {
    await db.insertInto<string>(table).values(row).execute()
    return true
  } catch (error) {
    if (troubleOf(error) !== 'duplicate') throw error
    return false
  }
}

/**
 * The MySQL family's own upsert takes any unique key for the one that is meant, and would change another row. The update
 * comes first: an insert that fails uses up a number.
 */
async function updateOrInsert(
  db: Loose,
  table: string,
  row: Record<string, unknown>,
  keys: readonly string[],
  changed: Record<string, unknown>,
): Promise<void> {
  const update = async () => {
    let statement = db.updateTable<string>(table).set(changed as never)
    for (const key of keys) statement = statement.where(key, '=', row[key] as never)
    return affected(await statement.executeTakeFirstOrThrow()) > 0
  }
  if (Object.keys(changed).length === 0) {
    await insertNew(db, table, row)
    return
  }
  if ((await update()) || (await insertNew(db, table, row)) || (await update())) return
  await db.insertInto<string>(table).values(row).execute()
}

/** Inserts, or updates the other columns where the key exists. */
export async function upsert<T, K extends keyof T & string>(
  db: Kysely<T>,
  table: K,
  row: Insertable<T[K]>,
  key: readonly (keyof T[K] & string)[],
): Promise<void> {
  const keys: readonly string[] = key
  const changed = Object.fromEntries(Object.entries(row).filter(([column]) => !keys.includes(column)))
  const loose = db as unknown as Loose
  if (poolOf(db) !== undefined) return updateOrInsert(loose, table, row as Record<string, unknown>, keys, changed)
  await loose
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
  const loose = db as unknown as Loose
  if (poolOf(db) !== undefined) return insertNew(loose, table, row as Record<string, unknown>)
  const result = await loose
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
export const amongJson = (list: string) => listed<string>(list)

/** One node with these very fragments: compilers know it by them. */
const listed = <T>(list: string) => sql<T>([listOpen, listClose] as unknown as TemplateStringsArray, list)

/** The database sees how short a list is, and looks each value up by the best index. */
const fewValues = 64

/** The same for values that are no JSON yet: every list whose length a user decides goes to the database this way. */
export const among = <T extends string | number>(values: readonly T[]) =>
  values.length > 0 && values.length <= fewValues ? sql<T>`(${sql.join(values)})` : listed<T>(JSON.stringify(values))

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

/**
 * Whether the database searches with users' patterns itself, by `regexp`: SQLite asks this program. The MySQL family has an
 * operator of its own which backtracks, and other rules.
 */
export const searchesPatterns = <T>(db: Kysely<T>): boolean => poolOf(db) === undefined
