import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceId, waitFor } from '#base'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptTask } from '../../src/api/accept/task.ts'
import { startTimers } from '../../src/conductor/timers.ts'
import { engineOf, runAll, runOpen } from './engine.ts'
import { intentOn } from './intent.ts'
import { caller, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'
const soonMs = 20

/** Servers on a host, and the conductor's recurring work under these options. */
async function world(count: number, options: Parameters<typeof smallCloud>[1]) {
  const cloud = await smallCloud(['one'], options)
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const intent = await intentOn(cloud, null)
    ids.push(...(await acceptBuild(cloud.api, caller, requestId, intent)).instanceIds)
  }
  await runOpen(cloud)
  const engine = engineOf(cloud)
  let timers: readonly (() => void)[] = []
  const start = () => {
    timers = startTimers(cloud.conductor, engine, 'test')
  }
  const stop = async () => {
    for (const stopTimer of timers) stopTimer()
    await engine.stop()
  }
  const recordOf = (id: string) => cloud.store.instances.get(instanceId(id))
  return { cloud, ids, start, stop, recordOf }
}

test('a soft reboot that takes too long becomes a hard one, once', async t => {
  const { cloud, ids, start, stop, recordOf } = await world(1, { rebootTimeoutMs: soonMs })
  t.after(() => cloud.close())
  const [id = ''] = ids
  // Accepted, and whoever should do it does not get on.
  await acceptTask(cloud.api, caller, true, requestId, await recordOf(id), {
    action: 'rebootSoft',
    word: 'reboot',
    saga: 'server-reboot',
    input: { kind: 'soft' },
  })
  assert.equal((await recordOf(id)).taskState, 'rebooting')
  start()
  const isHard = async () => ((await recordOf(id)).taskState === 'rebooting_hard' ? true : undefined)
  await waitFor('the hard reboot', isHard, { deadlineMs: 60_000 }).finally(stop)
  assert.equal((await cloud.store.sagas.openOf(id)).length, 2, 'the soft one, which is cancelled, and one hard one')
  await runAll(cloud, id)
  const { vmState, taskState } = await recordOf(id)
  assert.deepEqual([vmState, taskState], ['active', null])
  const console = await cloud.drivers.get('one')?.consoleLog.read(instanceId(id))
  assert.match(console ?? '', /boot-count 2\n/)
})

test('interfaces whose ports nobody told of are found in time, server by server', async t => {
  const { cloud, ids, start, stop, recordOf } = await world(2, { networkRefreshMs: soonMs })
  t.after(() => cloud.close())
  for (const id of ids) {
    const [vif] = (await recordOf(id)).networkInfo
    await cloud.network.port.deletePort('service', vif?.portId ?? '')
  }
  start()
  const areGone = async () => {
    const records = await Promise.all(ids.map(recordOf))
    return records.every(({ networkInfo }) => networkInfo.length === 0) ? true : undefined
  }
  await waitFor('the interfaces to go', areGone, { deadlineMs: 60_000 }).finally(stop)
})
