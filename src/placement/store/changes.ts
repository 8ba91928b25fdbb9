import { prepared } from '#store/engine'
import type { PlacementTransaction, Reader } from './tables.ts'

/** Where the database stands. */
export interface Mark {
  readonly value: number
  readonly names: number
}

const mark = prepared((db: Reader) => db.selectFrom('placement_state').select(['value', 'names']).where('id', '=', 1))

const moveOn = prepared((db: Reader, { known, next }: { known: number; next: number }) =>
  db.updateTable('placement_state').set({ value: next }).where('id', '=', 1).where('value', '=', known),
)

export async function readMark(db: Reader): Promise<Mark> {
  const [row] = (await mark(db, {})).rows
  if (row === undefined) throw new Error('the row that counts the writes of placement is gone')
  return { value: Number(row.value), names: Number(row.names) }
}

/**
 * The first statement of every write. It takes the row's lock, so writers queue up here, in every process; what is read
 * afterwards in this transaction cannot be changed by anybody else before it ends.
 *
 * True when the database stood exactly at `known`: the caller's snapshot is then the truth without a read.
 */
export async function advanceFrom(tx: PlacementTransaction, known: number): Promise<boolean> {
  return (await moveOn(tx, { known, next: known + 1 })).numAffectedRows === 1n
}

/** The same from wherever the database stands; returns the new mark. */
export async function advance(tx: PlacementTransaction): Promise<Mark> {
  await tx
    .updateTable('placement_state')
    .set(e => ({ value: e('value', '+', 1) }))
    .where('id', '=', 1)
    .execute()
  return readMark(tx)
}

export async function markNames(tx: PlacementTransaction, change: number): Promise<void> {
  await tx.updateTable('placement_state').set({ names: change }).where('id', '=', 1).execute()
}
