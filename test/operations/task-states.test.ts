import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Instance } from '#model'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptBackup, acceptShelve, acceptSnapshot } from '../../src/api/accept/snapshots.ts'
import { acceptTask } from '../../src/api/accept/task.ts'
import { engineOf, runOpen } from './engine.ts'
import { intentOn } from './intent.ts'
import { caller, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'
const asking = { caller, isAdmin: true, requestId }

let cloud: SmallCloud
let id = ''
before(async () => {
  cloud = await smallCloud()
  id = (await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))).instanceIds[0] ?? ''
  await statesOf(async () => undefined)
})
after(() => cloud.close())

/** What a client can see between any two steps of what is asked for, and when it is over. */
async function statesOf(ask: (instance: Instance) => Promise<unknown>): Promise<(string | null)[]> {
  await ask(await cloud.store.instances.get(id))
  const seen: (string | null)[] = []
  const look = async () => {
    const { taskState } = await cloud.store.instances.get(id)
    if (seen.at(-1) !== taskState) seen.push(taskState)
  }
  await look()
  await runOpen(cloud, id, engineOf(cloud, { probe: look }))
  await look()
  return seen
}

test('a snapshot', async () => {
  const states = await statesOf(instance => acceptSnapshot(cloud.api, asking, instance, { name: 'snap', metadata: {} }))
  assert.deepEqual(states, [
    'image_snapshot_pending',
    'image_snapshot',
    'image_pending_upload',
    'image_uploading',
    null,
  ])
})

test('a backup', async () => {
  const backup = { name: 'b', backupType: 'daily', rotation: 1, metadata: {} }
  const states = await statesOf(instance => acceptBackup(cloud.api, asking, instance, backup))
  assert.deepEqual(states, ['image_backup', 'image_pending_upload', 'image_uploading', null])
})

test('to the shelf, and back', async () => {
  const there = await statesOf(instance => acceptShelve(cloud.api, asking, instance))
  assert.deepEqual(there, [
    'shelving',
    'shelving_image_pending_upload',
    'shelving_image_uploading',
    'shelving_offloading',
    null,
  ])
  const back = await statesOf(instance =>
    acceptTask(cloud.api, caller, true, requestId, instance, {
      action: 'unshelve',
      word: 'unshelve',
      saga: 'server-unshelve',
      input: { host: null },
    }),
  )
  assert.deepEqual(back, ['unshelving', 'spawning', null])
})
