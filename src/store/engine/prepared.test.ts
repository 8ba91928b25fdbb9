import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Kysely } from 'kysely'
import { openDatabase, prepared, StatementCounter } from './index.ts'

interface Tables {
  things: { id: string; value: number; note: string | null }
}

const counter = new StatementCounter()
const db = openDatabase<Tables>('sqlite://', { counter })
after(() => db.destroy())
await db.schema
  .createTable('things')
  .addColumn('id', 'text', c => c.primaryKey())
  .addColumn('value', 'integer')
  .addColumn('note', 'text')
  .execute()

let builds = 0
const insert = prepared((on: Kysely<Tables>, row: Tables['things']) => {
  builds++
  return on.insertInto('things').values(row)
})
const noted = prepared((on: Kysely<Tables>, v: { note: string; least: number }) =>
  on.selectFrom('things').select('id').where('note', '=', v.note).where('value', '>=', v.least).where('value', '<', 10),
)

test('each run has its own values, nulls and constants included, and is built once', async () => {
  await insert(db, { id: 'a', value: 1, note: null })
  await insert(db, { id: 'b', value: 2, note: 'x' })
  await insert(db, { id: 'c', value: 30, note: 'x' })
  const { numAffectedRows } = await insert(db, { id: 'd', value: 4, note: 'x' })
  assert.equal(numAffectedRows, 1n)
  assert.equal(builds, 1)
  const ids = async (least: number) => (await noted(db, { note: 'x', least })).rows.map(row => row.id)
  assert.deepEqual(await ids(0), ['b', 'd'])
  assert.deepEqual(await ids(3), ['d'])
})

test('in a transaction it belongs to the transaction', async () => {
  const undone = db.transaction().execute(async tx => {
    await insert(tx, { id: 'e', value: 5, note: null })
    throw new Error('no')
  })
  await assert.rejects(undone, /^Error: no$/)
  assert.deepEqual(await db.selectFrom('things').select('id').where('id', '=', 'e').execute(), [])
})

test('whoever asks first is served first, and a statement waits for the open transaction', async () => {
  const order: string[] = []
  const open = db.transaction().execute(async tx => {
    for (const id of ['t1', 't2', 't3']) await insert(tx, { id, value: 0, note: null })
    order.push('transaction')
  })
  const names = Array.from({ length: 20 }, (_, i) => `reader ${i}`)
  const readers = names.map(async name => {
    const rows = await db.selectFrom('things').select('id').where('id', 'like', 't%').execute()
    assert.equal(rows.length, 3)
    order.push(name)
  })
  await Promise.all([open, ...readers])
  assert.deepEqual(order, ['transaction', ...names])
})
