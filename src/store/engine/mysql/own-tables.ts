import { commitTable, forgetCommits } from './commits.ts'
import type { Wire } from './wire.ts'

const turnTable = `create table if not exists engine_turns (id integer not null primary key, number bigint not null)
  engine=InnoDB`

const markTable = `create table if not exists engine_marks (name varchar(64) not null primary key, number bigint not null)
  engine=InnoDB default charset=ascii`

/** The engine's own tables in each database. */
export async function makeOwnTables(wire: Wire): Promise<void> {
  await wire.run(commitTable)
  await wire.run(turnTable)
  await wire.run(markTable)
  await forgetCommits(wire, wire.openedMs)
}
