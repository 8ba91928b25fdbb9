import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { migrate, openDatabase, Resident, type Shapes } from '#store/engine'
import { databaseAt } from '../database/index.ts'

interface Tables {
  pets: { owner: string; name: string; legs: number }
}

const folder = mkdtempSync(join(tmpdir(), 'resident-'))
after(() => rmSync(folder, { recursive: true }))

const migrations = [
  {
    name: '001',
    up: async (db: Kysely<never>) => {
      await db.schema
        .createTable('pets')
        .addColumn('owner', 'varchar(36)', c => c.notNull())
        .addColumn('name', 'varchar(36)', c => c.notNull())
        .addColumn('legs', 'integer', c => c.notNull().check(sql`legs <= 8`))
        .addPrimaryKeyConstraint('pets_key', ['owner', 'name'] as never[])
        .execute()
    },
  },
]
const shapes: Shapes<Tables> = { pets: { key: ['owner', 'name'], indexes: { legs: row => String(row.legs) } } }

async function open(name: string) {
  const db = openDatabase<Tables>(await databaseAt(folder, name))
  await migrate(db, 'pets', migrations)
  return { db, resident: await Resident.load(db, shapes) }
}

test('what was committed is there after a reopen, and found by key and index', async () => {
  const { db, resident } = await open('a')
  await resident.change(change => {
    change.put('pets', { owner: 'ann', name: 'cat', legs: 4 })
    change.put('pets', { owner: 'ann', name: 'emu', legs: 2 })
    change.put('pets', { owner: 'bob', name: 'cat', legs: 3 })
  })
  await resident.change(change => {
    change.put('pets', { owner: 'bob', name: 'cat', legs: 4 })
    change.remove('pets', { owner: 'ann', name: 'emu', legs: 2 })
  })
  await db.destroy()
  const again = await open('a')
  for (const state of [resident, again.resident]) {
    const pets = state.table('pets')
    assert.equal(pets.size, 2)
    assert.deepEqual(pets.get('bob', 'cat'), { owner: 'bob', name: 'cat', legs: 4 })
    assert.equal(pets.get('ann', 'emu'), undefined)
    assert.deepEqual(
      pets
        .by('legs', '4')
        .map(row => row.owner)
        .sort(),
      ['ann', 'bob'],
    )
    assert.deepEqual([pets.by('legs', '2'), pets.by('legs', '3')], [[], []])
  }
  await again.db.destroy()
})

test('a change that the database or the decision refuses leaves memory as it was', async () => {
  const { db, resident } = await open('b')
  const pets = resident.table('pets')
  await resident.change(change => change.put('pets', { owner: 'ann', name: 'cat', legs: 4 }))
  const spider = resident.change(change => {
    change.put('pets', { owner: 'ann', name: 'cat', legs: 5 })
    change.put('pets', { owner: 'ann', name: 'centipede', legs: 100 })
  })
  await assert.rejects(spider, /constraint/i)
  const doubt = resident.change(change => {
    change.put('pets', { owner: 'ann', name: 'cat', legs: 6 })
    throw new Error('no')
  })
  await assert.rejects(doubt, /^Error: no$/)
  assert.deepEqual(pets.all(), [{ owner: 'ann', name: 'cat', legs: 4 }])
  await resident.change(change => change.put('pets', { owner: 'ann', name: 'cat', legs: 3 }))
  assert.equal(pets.get('ann', 'cat')?.legs, 3)
  await db.destroy()
})

test('changes see each other: of many that check and add, one adds', async () => {
  const { db, resident } = await open('c')
  const pets = resident.table('pets')
  const adopt = (owner: string) =>
    resident.change(change => {
      if (pets.by('legs', '7').length > 0) return false
      change.put('pets', { owner, name: 'beetle', legs: 7 })
      return true
    })
  const done = await Promise.all(Array.from({ length: 20 }, (_, i) => adopt(`owner ${i}`)))
  assert.deepEqual(done.filter(Boolean), [true])
  assert.equal(pets.size, 1)
  await db.destroy()
})
