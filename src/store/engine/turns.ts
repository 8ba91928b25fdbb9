/**
 * Turns: one transaction at a time decides about a thing.
 *
 * Theory of operation. A transaction that first reads and then writes by what it read (counts against a quota and inserts)
 * is right only while nobody else does the same. SQLite lets one writer in at a time, so there a turn is nothing. In the
 * MySQL family two transactions do not see each other's rows until they are committed; so each of them first changes the row
 * that stands for the thing. The second waits there until the first has ended, and then reads what that one has committed
 * (every statement sees what is committed when it begins: isolation READ COMMITTED). On two nodes of Galera, which do not see
 * each other's locks, the row is what both have changed: one of them fails its certification and is run again.
 *
 * The rows are numbered by a hash of the name, so that there is a bounded number of them. Two things with the same row wait
 * for each other now and then, which is harmless.
 */
import { createHash } from 'node:crypto'
import { type QueryExecutorProvider, sql } from 'kysely'
import { poolOf } from './mysql/dialect.ts'

const rows = 4096

const rowOf = (name: string): number => createHash('sha1').update(name).digest().readUInt32BE(0) % rows

/** Whether one writer at a time is not the rule of the database itself. */
export const needsTurns = (db: QueryExecutorProvider): boolean => poolOf(db) !== undefined

/** To be called in a transaction, before what is decided by is read; several at once in an order that all keep. */
export async function takeTurns(tx: QueryExecutorProvider, names: readonly string[]): Promise<void> {
  if (!needsTurns(tx)) return
  const ids = [...new Set(names.map(rowOf))].sort((a, b) => a - b)
  for (const id of ids) {
    await sql`insert into engine_turns (id, number) values (${id}, 1) on duplicate key update number = number + 1`.execute(
      tx,
    )
  }
}
