/**
 * Marks: numbers that tell whoever keeps hosts in memory that there is something new.
 *
 * Theory of operation. Whoever changes a service, a compute node, an aggregate or the free devices of a node moves the mark
 * of that kind in the same transaction, before he writes. The mark's row is locked until he commits, so marks become visible
 * in the order of their numbers, and who sees a number finds all that belongs to it and to those before. Services and nodes
 * carry the number of their last change: of ten thousand only those are read again that have changed. A heartbeat moves
 * nothing; that a service is up can be seen from an old row, and that it is not is looked up.
 *
 * Processes of a release that knows no marks move none, while a cloud is upgraded: a reader has to read all again at times.
 */
import { affected, inTransaction, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/** `removals`: a service or a compute node is gone. */
export type HostFact = 'services' | 'nodes' | 'aggregates' | 'devices' | 'removals'

/** Where the marks stood. */
export type HostMarks = Readonly<Record<HostFact, number>>

/** Aggregates are the API's, and so is their mark. */
const tableOf = (fact: HostFact): 'api_marks' | 'host_marks' => (fact === 'aggregates' ? 'api_marks' : 'host_marks')

const marksIn = (table: ReturnType<typeof tableOf>) =>
  prepared((db: Db) => db.selectFrom(table).select(['name', 'number']))
const marksOfHosts = marksIn('host_marks')
const marksOfApi = marksIn('api_marks')

export async function readHostMarks(db: Db, apiDb: Db): Promise<HostMarks> {
  const [{ rows: own }, { rows: shared }] = [await marksOfHosts(db, {}), await marksOfApi(apiDb, {})]
  const numbers = new Map([...own, ...shared].map(({ name, number }) => [name, Number(number)]))
  const of = (fact: HostFact) => numbers.get(fact) ?? 0
  return {
    services: of('services'),
    nodes: of('nodes'),
    aggregates: of('aggregates'),
    devices: of('devices'),
    removals: of('removals'),
  }
}

/** Runs `change` in the transaction that it is called in, or in one of its own, with the number of this change. */
export function marked<T>(db: Db, fact: HostFact, change: (tx: Db, mark: number) => Promise<T>): Promise<T> {
  const run = async (tx: Db) => change(tx, await move(tx, fact))
  return db.isTransaction ? run(db) : inTransaction(db, run)
}

async function move(tx: Db, fact: HostFact): Promise<number> {
  const table = tableOf(fact)
  const moved = await tx
    .updateTable(table)
    .set(e => ({ number: e('number', '+', 1) }))
    .where('name', '=', fact)
    .executeTakeFirstOrThrow()
  if (affected(moved) === 0) throw new Error(`the mark of ${fact} is not in the database`)
  const row = await tx.selectFrom(table).select('number').where('name', '=', fact).executeTakeFirstOrThrow()
  return Number(row.number)
}
