import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStore, type Store } from '#store'
import { freshDatabase } from '../database/index.ts'

let store: Store
before(async () => {
  store = await openStore(await freshDatabase())
})
after(() => store.close())

test('whoever holds a turn holds it alone, over any number of transactions', async () => {
  const events: string[] = []
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = store.hold(['api: one', 'api: two'], async () => {
    await store.transaction(async tx => tx.instances.usage('project'))
    begun.resolve()
    await goOn.promise
    await store.transaction(async tx => tx.instances.usage('project'))
    events.push('first')
  })
  await begun.promise
  const second = store.hold(['api: two'], async () => events.push('second'))
  const third = store.hold(['api: two'], async () => events.push('third'))
  await store.hold(['api: three'], async () => events.push('another'))
  goOn.resolve()
  await Promise.all([first, second, third])
  assert.deepEqual(events, ['another', 'first', 'second', 'third'])
})

test('who fails lets go', async () => {
  const failure = new Error('no')
  const failing = store.hold(['api: one'], () => Promise.reject(failure))
  await assert.rejects(failing, failure)
  assert.equal(await store.hold(['api: one'], async () => 'held'), 'held')
})
