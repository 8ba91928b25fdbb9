import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#base'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptSoftDelete, acceptTask } from '../../src/api/accept/task.ts'
import { reclaim } from '../../src/conductor/reconcilers/reclaim.ts'
import { endRescues } from '../../src/conductor/reconcilers/rescue-timeout.ts'
import { runOpen } from './engine.ts'
import { image, intentOn } from './intent.ts'
import { caller, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

test('a server that was put away is deleted when its time is over, once', async () => {
  const cloud = await smallCloud(['one'])
  const [id = ''] = (await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))).instanceIds
  await runOpen(cloud)
  await acceptSoftDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id))
  await runOpen(cloud)
  assert.equal((await cloud.store.instances.get(id)).vmState, 'soft-delete')
  assert.deepEqual(await reclaim(cloud.conductor, 3_600_000), [])
  const later = { ...cloud.conductor, clock: { ...systemClock, now: () => systemClock.now() + 3_600_001 } }
  assert.equal((await reclaim(later, 3_600_000)).length, 1)
  assert.deepEqual(await reclaim(later, 3_600_000), [])
  await runOpen(cloud)
  assert.equal((await cloud.store.instances.get(id, { withDeleted: true })).isDeleted, true)
  assert.deepEqual(await cloud.drivers.get('one')?.list(), [])
  assert.deepEqual((await cloud.placement.port.consumer(id)).allocations, {})
  await cloud.close()
})

test('a rescue that lasts too long is ended', async () => {
  const cloud = await smallCloud(['one'])
  const [id = ''] = (await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))).instanceIds
  await runOpen(cloud)
  await acceptTask(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), {
    action: 'rescue',
    word: 'rescue',
    saga: 'server-rescue',
    input: { image },
  })
  await runOpen(cloud)
  assert.equal((await cloud.store.instances.get(id)).vmState, 'rescued')
  assert.deepEqual(await endRescues(cloud.conductor, 3_600_000), [])
  const later = { ...cloud.conductor, clock: { ...systemClock, now: () => systemClock.now() + 3_600_001 } }
  assert.equal((await endRescues(later, 3_600_000)).length, 1)
  await runOpen(cloud)
  assert.equal((await cloud.store.instances.get(id)).vmState, 'active')
  await cloud.close()
})
