import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Probe } from '#saga'
import { HypervisorError } from '#virt'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptDelete } from '../../src/api/accept/task.ts'
import { engineOf, runAll } from './engine.ts'
import { intentOn, makeUserPort } from './intent.ts'
import { userVolumes, volumeCases } from './volumes.ts'
import { caller, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

/** Builds a server and deletes it when the build comes to this point; returns what is left over. */
async function deleteAt(point: string | undefined, seen: string[]): Promise<readonly string[]> {
  const cloud = await smallCloud(['one'])
  try {
    let id = ''
    let isAsked = false
    const remove = async () => {
      isAsked = true
      await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), 'delete')
    }
    const probe: Probe = async at => {
      if (at.saga !== 'server-build') return
      const name = `${at.phase} ${at.path}`
      seen.push(name)
      if (name === point && !isAsked) await remove()
    }
    const engine = engineOf(cloud, { probe })
    const userPort = await makeUserPort(cloud)
    id = (await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, userPort))).instanceIds[0] ?? ''
    await runAll(cloud, id, engine)
    if (point === undefined) return []
    const instance = await cloud.store.instances.get(id, { withDeleted: true })
    const guests = await cloud.drivers.get('one')?.list()
    const ports = await cloud.network.port.ports('service', {})
    const { allocations } = await cloud.placement.port.consumer(id)
    return [
      ...(instance.isDeleted ? [] : [`still ${instance.vmState}/${instance.taskState}`]),
      ...(instance.taskState === null ? [] : [`task ${instance.taskState}`]),
      ...(guests?.length === 0 ? [] : ['a guest']),
      ...(ports.length === 1 && ports[0]?.id === userPort && ports[0].deviceId === '' ? [] : [`${ports.length} ports`]),
      ...(Object.keys(allocations).length === 0 ? [] : ['an allocation']),
    ]
  } finally {
    await cloud.close()
  }
}

describe('a server deleted while it is built', async () => {
  const points: string[] = []
  await deleteAt(undefined, points)
  test('has points to be deleted at', () => assert.ok(points.length > 12, points.join()))
  for (const point of points) {
    test(point, async () => assert.deepEqual(await deleteAt(point, []), []))
  }
})

test('a server whose guest lets go of no device is deleted in the middle of an attachment', async () => {
  const cloud = await smallCloud(['one'])
  try {
    const volumes = await userVolumes(cloud)
    const { instanceIds } = await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))
    const id = instanceIds[0] ?? ''
    await runAll(cloud, id, engineOf(cloud))
    cloud.drivers.get('one')?.cling(HypervisorError({ operation: 'detach', reason: 'the guest holds it' }))
    let isAsked = false
    const probe: Probe = async at => {
      if (at.saga !== 'volume-attach' || at.path !== 'guest' || isAsked) return
      isAsked = true
      await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), 'delete')
    }
    await volumeCases['volume-attach'].ask(cloud, await cloud.store.instances.get(id))
    await runAll(cloud, id, engineOf(cloud, { probe }))
    assert.ok(isAsked)
    assert.equal((await cloud.store.instances.get(id, { withDeleted: true })).isDeleted, true)
    assert.deepEqual(await cloud.drivers.get('one')?.list(), [])
    for (const volume of volumes) assert.equal((await cloud.api.volumes.get(caller, volume)).status, 'available')
  } finally {
    await cloud.close()
  }
})

test('deleting twice is one deletion', async () => {
  const cloud = await smallCloud(['one'])
  const { instanceIds } = await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))
  const id = instanceIds[0] ?? ''
  await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), 'delete')
  await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), 'delete')
  assert.equal((await cloud.store.sagas.openOf(id)).length, 2)
  await cloud.close()
})

test('parallel builds never exceed the quota', async () => {
  const cloud = await smallCloud(['one'])
  await cloud.store.quotas.set(caller.projectId ?? '', null, 'instances', 3)
  const intent = await intentOn(cloud, null)
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => acceptBuild(cloud.api, caller, requestId, intent)),
  )
  const refused = results.filter(r => r.status === 'rejected')
  assert.equal(results.length - refused.length, 3)
  assert.match(
    String((refused[0] as PromiseRejectedResult).reason.message),
    /^Quota exceeded for instances: Requested 1, but already used 3 of 3 instances$/,
  )
  assert.equal((await cloud.store.instances.usage(caller.projectId ?? '')).instances, 3)
  await cloud.close()
})
