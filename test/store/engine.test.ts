import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Kysely } from 'kysely'
import {
  affected,
  insertIgnore,
  inTransaction,
  migrate,
  openDatabase,
  StatementCounter,
  takeTurns,
  upsert,
} from '#store/engine'
import { databaseAt } from '../database/index.ts'

/** node:sqlite rows have no prototype; strict equality compares prototypes too. */
const plain = <T extends object>(rows: T[]): T[] => rows.map(row => ({ ...row }))

interface Tables {
  things: { id: string; value: number; note: string | null }
}

const folder = mkdtempSync(join(tmpdir(), 'store-engine-'))
after(() => rmSync(folder, { recursive: true }))

const migrations = [
  {
    name: '001',
    up: async (db: Kysely<never>) => {
      await db.schema
        .createTable('things')
        .addColumn('id', 'varchar(36)', c => c.primaryKey())
        .addColumn('value', 'integer', c => c.notNull())
        .addColumn('note', 'text')
        .execute()
    },
  },
]

async function open(name: string, counter?: StatementCounter) {
  const db = openDatabase<Tables>(await databaseAt(folder, name), counter === undefined ? {} : { counter })
  await migrate(db, 'test', migrations)
  return db
}

test('migrations run once and survive a reopen', async () => {
  const db = await open('a')
  await db.insertInto('things').values({ id: 'x', value: 1, note: null }).execute()
  await db.destroy()
  const again = await open('a')
  assert.deepEqual(plain(await again.selectFrom('things').selectAll().execute()), [{ id: 'x', value: 1, note: null }])
  await again.destroy()
})

test('upsert changes the other columns, insertIgnore leaves them', async () => {
  const db = await open('b')
  await upsert(db, 'things', { id: 'x', value: 1, note: 'a' }, ['id'])
  await upsert(db, 'things', { id: 'x', value: 2, note: 'b' }, ['id'])
  assert.equal(await insertIgnore(db, 'things', { id: 'x', value: 3, note: 'c' }), false)
  assert.equal(await insertIgnore(db, 'things', { id: 'y', value: 4, note: null }), true)
  assert.deepEqual(plain(await db.selectFrom('things').selectAll().orderBy('id').execute()), [
    { id: 'x', value: 2, note: 'b' },
    { id: 'y', value: 4, note: null },
  ])
  await db.destroy()
})

test('a compare-and-set changes one row, then none', async () => {
  const db = await open('c')
  await upsert(db, 'things', { id: 'x', value: 1, note: null }, ['id'])
  const swap = async () =>
    affected(await db.updateTable('things').set({ value: 2 }).where('value', '=', 1).executeTakeFirstOrThrow())
  assert.equal(await swap(), 1)
  assert.equal(await swap(), 0)
  await db.destroy()
})

test('a failed transaction leaves nothing, and parallel ones that take turns wait for each other', async () => {
  const db = await open('d')
  await upsert(db, 'things', { id: 'x', value: 0, note: null }, ['id'])
  await assert.rejects(
    inTransaction(db, async tx => {
      await tx.updateTable('things').set({ value: 99 }).execute()
      throw new Error('no')
    }),
  )
  await Promise.all(
    Array.from({ length: 20 }, () =>
      inTransaction(db, async tx => {
        await takeTurns(tx, ['the value'])
        const { value } = await tx.selectFrom('things').select('value').executeTakeFirstOrThrow()
        await tx
          .updateTable('things')
          .set({ value: value + 1 })
          .execute()
      }),
    ),
  )
  assert.equal((await db.selectFrom('things').select('value').executeTakeFirstOrThrow()).value, 20)
  await db.destroy()
})

test('statements are counted', async () => {
  const counter = new StatementCounter()
  const db = await open('e', counter)
  const before = counter.count
  await db.selectFrom('things').selectAll().execute()
  assert.equal(counter.count - before, 1)
  await db.destroy()
})
