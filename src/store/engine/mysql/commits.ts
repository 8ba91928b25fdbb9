/**
 * Whether a transaction was committed whose COMMIT got no answer.
 *
 * Theory of operation. Every connection has a row, and every transaction that writes makes that row's number larger by one,
 * as its last statement. When the connection breaks during the commit, whoever wants to know changes the same row on another
 * connection: should the server still be about to commit or to undo the first transaction, the row's lock (on another node
 * of Galera: the certification) holds the question back until that is over. Then the number tells.
 *
 * The row is changed by the question too, and not only locked, because Galera's nodes see changes of each other, not locks.
 */
import { troubleOf } from './errors.ts'
import type { Wire } from './wire.ts'

export const commitTable = `create table if not exists engine_commits (
  connection char(36) not null primary key, number bigint not null, questions bigint not null, opened_at bigint not null
) engine=InnoDB default charset=ascii collate=ascii_bin`

export interface CommitMark {
  readonly connection: string
  readonly number: number
}

/** Rows of connections that ended so long ago ask nothing any more. */
const keptMs = 24 * 3_600_000

/** The last statement of a transaction. */
export async function markCommit(wire: Wire, nowMs: number): Promise<CommitMark> {
  const mark = { connection: wire.id, number: wire.commits + 1 }
  if (wire.commits > 0) {
    const values = [mark.number, nowMs, mark.connection]
    const { affected } = await wire.run(
      'update engine_commits set number = ?, opened_at = ? where connection = ?',
      values,
    )
    if (affected === 1n) return mark
  }
  await wire.run('insert into engine_commits (connection, number, questions, opened_at) values (?, ?, 0, ?)', [
    mark.connection,
    mark.number,
    nowMs,
  ])
  return mark
}

/** On another connection; throws what that one meets. */
export async function wasCommitted(wire: Wire, mark: CommitMark, nowMs: number): Promise<boolean> {
  await wire.say('start transaction')
  const asked = await wire.run('update engine_commits set questions = questions + 1 where connection = ?', [
    mark.connection,
  ])
  if (asked.affected === 0n) {
    try {
      // Takes the place that the first transaction of that connection would have to take.
      await wire.run('insert into engine_commits (connection, number, questions, opened_at) values (?, 0, 1, ?)', [
        mark.connection,
        nowMs,
      ])
    } catch (error) {
      await wire.say('rollback')
      if (troubleOf(error) === 'duplicate') return wasCommitted(wire, mark, nowMs)
      throw error
    }
  }
  const { rows } = await wire.run('select number from engine_commits where connection = ?', [mark.connection])
  const [row] = rows as readonly { readonly number: number }[]
  await wire.say('commit')
  return row !== undefined && row.number >= mark.number
}

/** Forgets connections of long ago. */
export async function forgetCommits(wire: Wire, nowMs: number): Promise<void> {
  await wire.run('delete from engine_commits where opened_at < ? limit 1000', [nowMs - keptMs])
}
