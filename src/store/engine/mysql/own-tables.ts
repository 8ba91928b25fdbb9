import { commitTable, forgetCommits } from './commits.ts'
import { isNoTable } from './errors.ts'
import type { Wire } from './wire.ts'

const turnTable = `create table if not exists engine_turns (id integer not null primary key, number bigint not null)
  engine=InnoDB`

const markTable = `create table if not exists engine_marks (name varchar(64) not null primary key, number bigint not null)
  engine=InnoDB default charset=ascii`

/** The engine's own tables in each database. A user who may not create tables can work where they are. */
export async function makeOwnTables(wire: Wire): Promise<void> {
  try {
    await wire.say('select 1 from engine_commits, engine_turns, engine_marks limit 0')
  } catch (error) {
    if (!isNoTable(error)) throw error
    for (const table of [commitTable, turnTable, markTable]) await wire.run(table)
  }
  await forgetCommits(wire, wire.openedMs)
}
