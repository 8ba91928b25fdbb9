import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceId, newUuid, systemClock } from '#base'
import { sagas } from '#conductor'
import { type Journal } from '#saga'
import { describePoint, sweepOne, sweepPoints, type World } from '#saga/sweep'
import { sagaJournal } from '#store'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptDelete } from '../../src/api/accept/task.ts'
import { mustKeepPolicy } from '../../src/conductor/server-group.ts'
import { runAll } from './engine.ts'
import { intentOn } from './intent.ts'
import { caller, projectId, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

async function aGroup(cloud: SmallCloud, policy: 'affinity' | 'anti-affinity', max?: number): Promise<string> {
  const id = newUuid()
  const rules = max === undefined ? {} : { max_server_per_host: max }
  await cloud.store.serverGroups.create(
    { id, name: 'group', projectId, userId: caller.userId, policy, rules },
    systemClock.now(),
  )
  return id
}

const accept = async (cloud: SmallCloud, count: number, serverGroupId: string | null = null) => {
  const intent = { ...(await intentOn(cloud, null)), minCount: count, maxCount: count, serverGroupId }
  return (await acceptBuild(cloud.api, caller, requestId, intent)).instanceIds
}

/** What is left of servers that failed, or missing of servers that live. */
async function complaints(cloud: SmallCloud, ids: readonly string[], vmState: string): Promise<string[]> {
  const found: string[] = []
  for (const id of ids) {
    const instance = await cloud.store.instances.get(id)
    const lives = vmState === 'active'
    const { allocations } = await cloud.placement.port.consumer(id)
    if (instance.vmState !== vmState || instance.taskState !== null)
      found.push(`${instance.vmState}/${instance.taskState}`)
    if ((instance.host !== null) !== lives) found.push(`host ${instance.host}`)
    if (Object.keys(allocations).length !== (lives ? 1 : 0))
      found.push(`${Object.keys(allocations).length} allocations`)
  }
  const guests = (await Promise.all([...cloud.drivers.values()].map(driver => driver.list()))).flat()
  const ports = await cloud.network.port.ports('service', {})
  const wanted = vmState === 'active' ? ids.length : 0
  if (guests.length !== wanted) found.push(`${guests.length} guests`)
  if (ports.length !== wanted) found.push(`${ports.length} ports`)
  return found
}

describe('sweep reservation-place', async () => {
  const definition = sagas['reservation-place']
  const newWorld = async (): Promise<World> => {
    const cloud = await smallCloud()
    const group = await aGroup(cloud, 'anti-affinity')
    let ids: readonly string[] = []
    return {
      store: sagaJournal<Journal>(cloud.store, systemClock) as never,
      deps: cloud.conductor,
      async begin() {
        ids = await accept(cloud, 2, group)
        const open = await cloud.store.sagas.open()
        return open.find(saga => saga.name === 'reservation-place')?.id ?? ''
      },
      async complaints(outcome) {
        await runAll(cloud)
        return complaints(cloud, ids, outcome.status === 'done' ? 'active' : 'error')
      },
      close: () => cloud.close(),
    }
  }
  for (const point of await sweepPoints(definition, newWorld)) {
    test(describePoint(point), async () => assert.deepEqual(await sweepOne(definition, newWorld, point), []))
  }
})

const hostsOf = async (cloud: SmallCloud, ids: readonly string[]) =>
  (await cloud.store.instances.placesOf(ids)).map(place => place.host)

describe('several servers at once', () => {
  test('too few hosts for the group: none of them is built, all say why', async () => {
    const cloud = await smallCloud(['one', 'two'])
    const ids = await accept(cloud, 3, await aGroup(cloud, 'anti-affinity'))
    await runAll(cloud)
    assert.deepEqual(await complaints(cloud, ids, 'error'), [])
    const faults = await cloud.store.faults.newest(ids)
    for (const id of ids)
      assert.match(faults.get(id)?.message ?? '', /^No valid host was found\. There are not enough hosts available\./)
    await cloud.close()
  })

  test('max_server_per_host is kept and used', async () => {
    const cloud = await smallCloud(['one', 'two'])
    const ids = await accept(cloud, 4, await aGroup(cloud, 'anti-affinity', 2))
    await runAll(cloud)
    assert.deepEqual((await hostsOf(cloud, ids)).sort(), ['one', 'one', 'two', 'two'])
    await cloud.close()
  })

  test('one of them deleted while they are placed: the others are built', async () => {
    const cloud = await smallCloud(['one'])
    const [gone = '', ...rest] = await accept(cloud, 3)
    await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(gone), 'delete')
    await runAll(cloud)
    assert.deepEqual(await complaints(cloud, rest, 'active'), [])
    assert.deepEqual((await cloud.placement.port.consumer(gone)).allocations, {})
    await cloud.close()
  })
})

describe('builds of one group at the same time', () => {
  test('anti-affinity: never two on a host, and the one too many fails', async () => {
    const cloud = await smallCloud(['one', 'two', 'three'])
    const group = await aGroup(cloud, 'anti-affinity')
    const ids = (await Promise.all([1, 2, 3, 4].map(() => accept(cloud, 1, group)))).flat()
    await runAll(cloud)
    const hosts = (await hostsOf(cloud, ids)).filter(host => host !== null)
    assert.deepEqual(hosts.sort(), ['one', 'three', 'two'])
    await cloud.close()
  })

  test('affinity: all on one host', async () => {
    const cloud = await smallCloud(['one', 'two', 'three'])
    const group = await aGroup(cloud, 'affinity')
    const ids = (await Promise.all([1, 2, 3, 4].map(() => accept(cloud, 1, group)))).flat()
    await runAll(cloud)
    assert.equal(new Set(await hostsOf(cloud, ids)).size, 1)
    assert.deepEqual(await complaints(cloud, ids, 'active'), [])
    await cloud.close()
  })

  test('a deleted server makes room in its group', async () => {
    const cloud = await smallCloud(['one'])
    const group = await aGroup(cloud, 'anti-affinity')
    const [first = ''] = await accept(cloud, 1, group)
    await runAll(cloud)
    await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(first), 'delete')
    await runAll(cloud)
    assert.deepEqual((await cloud.store.serverGroups.find(group))?.members, [])
    const ids = await accept(cloud, 1, group)
    await runAll(cloud)
    assert.deepEqual(await complaints(cloud, ids, 'active'), [])
    await cloud.close()
  })
})

const aMove = {
  uuid: newUuid(),
  type: 'migration',
  status: 'migrating',
  sourceNode: null,
  destNode: null,
  destIp: null,
  oldFlavor: null,
  newFlavor: null,
  userId: null,
  projectId: null,
  isCrossCell: false,
  progress: null,
  pending: { vcpus: 0, memoryMiB: 0 },
  createdAtMs: 0,
  updatedAtMs: null,
} as const

test('a member on its way to a host counts there already', async () => {
  const cloud = await smallCloud(['one', 'two', 'three'])
  const ids = (await Promise.all([1, 2].map(() => accept(cloud, 1, null)))).flat()
  await runAll(cloud)
  const [first = '', second = ''] = ids
  const group = await cloud.store.serverGroups.find(await aGroup(cloud, 'anti-affinity'))
  assert.ok(group !== undefined)
  for (const id of ids) await cloud.store.serverGroups.addMember(group, id)
  const { host } = await cloud.store.instances.get(first)
  await cloud.store.transaction(async tx => {
    await mustKeepPolicy(tx, second, 'elsewhere')
    await assert.rejects(mustKeepPolicy(tx, second, host ?? ''), { message: /^Anti-affinity instance group policy/ })
    await tx.moves.add({ ...aMove, instanceId: instanceId(first), sourceHost: host ?? '', destHost: 'elsewhere' })
    await assert.rejects(mustKeepPolicy(tx, second, 'elsewhere'), { message: /^Anti-affinity instance group policy/ })
  })
  await cloud.close()
})
