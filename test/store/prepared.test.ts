import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Kysely } from 'kysely'
import { type Database, openDatabase, prepared, StatementCounter } from '#store/engine'
import { freshDatabase } from '../database/index.ts'

interface Tables {
  things: { id: string; value: number; note: string | null }
}

const counter = new StatementCounter()

async function withThings(url: string): Promise<Database<Tables>> {
  const opened = openDatabase<Tables>(url, { counter })
  after(() => opened.destroy())
  await opened.schema
    .createTable('things')
    .addColumn('id', 'varchar(36)', c => c.primaryKey())
    .addColumn('value', 'integer')
    .addColumn('note', 'text')
    .execute()
  return opened
}

const db = await withThings(await freshDatabase())

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

test('on the one connection of SQLite whoever asks first is served first, after the open transaction', async () => {
  const file = await withThings('sqlite://')
  const order: string[] = []
  const open = file.transaction().execute(async tx => {
    for (const id of ['t1', 't2', 't3']) await insert(tx, { id, value: 0, note: null })
    order.push('transaction')
  })
  const names = Array.from({ length: 20 }, (_, i) => `reader ${i}`)
  const readers = names.map(async name => {
    const rows = await file.selectFrom('things').select('id').where('id', 'like', 't%').execute()
    assert.equal(rows.length, 3)
    order.push(name)
  })
  await Promise.all([open, ...readers])
  assert.deepEqual(order, ['transaction', ...names])
})
