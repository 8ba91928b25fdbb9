import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceId, systemClock } from '#base'
import type { SagaName } from '#bus'
import { type Probe } from '#saga'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptDelete } from '../../src/api/accept/task.ts'
import { confirmLateResizes, settleMoves } from '../../src/conductor/reconcilers/moves.ts'
import { engineOf, runAll } from './engine.ts'
import { flavor, intentOn } from './intent.ts'
import { askConfirm, askEvacuation, askLive, askResize, askRevert, larger } from './moves.ts'
import { caller, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

async function boot(cloud: SmallCloud): Promise<string> {
  const { instanceIds } = await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))
  const id = instanceIds[0] ?? ''
  await runAll(cloud, id)
  return id
}

type Ask = ReturnType<typeof askResize>
interface Case {
  readonly saga: SagaName
  readonly from: readonly Ask[]
  readonly ask: Ask
}

const cases: readonly Case[] = [
  { saga: 'server-resize', from: [], ask: askResize(larger) },
  { saga: 'server-confirm-resize', from: [askResize(larger)], ask: askConfirm },
  { saga: 'server-revert-resize', from: [askResize(larger)], ask: askRevert },
  { saga: 'server-live-migrate', from: [], ask: askLive },
  { saga: 'server-evacuate', from: [], ask: askEvacuation(false) },
]

/** What a deleted server has left; the guest of a dead host goes when that is back. */
async function leftovers(cloud: SmallCloud, id: string): Promise<readonly string[]> {
  const { store, drivers, placement, network } = cloud
  const instance = await store.instances.get(id, { withDeleted: true })
  const moves = await store.moves.list({ filter: { instanceId: id } })
  const isEvacuated = moves.some(move => move.type === 'evacuation')
  const found = [
    ...(instance.isDeleted && instance.taskState === null ? [] : [`still ${instance.vmState}/${instance.taskState}`]),
    ...((await network.port.ports('service', {})).length === 0 ? [] : ['ports']),
  ]
  for (const [host, driver] of drivers) {
    const isDead = isEvacuated && moves.some(move => move.sourceHost === host)
    if (!isDead && (await driver.list()).length > 0) found.push(`a guest on ${host}`)
    if ((await driver.coldMigration.setAside()).length > 0) found.push(`a guest set aside on ${host}`)
  }
  for (const consumer of [id, ...moves.map(move => move.uuid)]) {
    const { allocations } = await placement.port.consumer(consumer)
    if (Object.keys(allocations).length > 0)
      found.push(`an allocation of ${consumer === id ? 'the server' : 'the move'}`)
  }
  return found
}

/** Deletes the server when its move comes to this point. */
async function deleteAt({ saga, from, ask }: Case, point: string | undefined, seen: string[]) {
  const cloud = await smallCloud()
  try {
    const id = await boot(cloud)
    for (const prepare of from) {
      await prepare(cloud, await cloud.store.instances.get(id))
      await runAll(cloud, id)
    }
    await ask(cloud, await cloud.store.instances.get(id))
    let isAsked = false
    const probe: Probe = async at => {
      if (at.saga !== saga) return
      const name = `${at.phase} ${at.path}`
      seen.push(name)
      if (name !== point || isAsked) return
      isAsked = true
      await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), 'delete')
    }
    await runAll(cloud, id, engineOf(cloud, { probe }))
    return point === undefined ? [] : await leftovers(cloud, id)
  } finally {
    await cloud.close()
  }
}

for (const theCase of cases) {
  describe(`a server deleted in its ${theCase.saga}`, async () => {
    const points: string[] = []
    await deleteAt(theCase, undefined, points)
    test('has points to be deleted at', () => assert.ok(points.length > 6, points.join()))
    for (const point of new Set(points.filter(name => !name.startsWith('after')))) {
      test(point, async () => assert.deepEqual(await deleteAt(theCase, point, []), []))
    }
  })
}

test('a resize that nobody confirms is confirmed when its time is over', async () => {
  const cloud = await smallCloud()
  const id = await boot(cloud)
  await askResize(larger)(cloud, await cloud.store.instances.get(id))
  await runAll(cloud, id)
  const at = (resizeConfirmMs: number, laterMs: number) => ({
    ...cloud.conductor,
    clock: { ...systemClock, now: () => Date.now() + laterMs },
    options: { ...cloud.conductor.options, resizeConfirmMs },
  })
  assert.deepEqual(await confirmLateResizes(at(0, 3_600_000)), [])
  assert.deepEqual(await confirmLateResizes(at(60_000, 30_000)), [])
  assert.equal((await confirmLateResizes(at(60_000, 61_000))).length, 1)
  assert.deepEqual(await confirmLateResizes(at(60_000, 61_000)), [])
  await runAll(cloud, id)
  const { vmState, flavor } = await cloud.store.instances.get(id)
  assert.deepEqual([vmState, flavor.flavorId], ['active', 'small'])
  assert.equal((await cloud.store.requestSpecs.find(id))?.flavor.flavorId, 'small')
  assert.equal((await cloud.store.actions.list(id))?.[0]?.action, 'confirmResize')
  await cloud.close()
})

test('a host keeps what is set aside for an open resize, and no more', async () => {
  const cloud = await smallCloud()
  const id = await boot(cloud)
  const { host } = await cloud.store.instances.get(id)
  await askResize(larger)(cloud, await cloud.store.instances.get(id))
  await runAll(cloud, id)
  const settle = () => settleMoves(cloud.conductor, host ?? '', { aside: [id, 'unknown'], left: [] })
  assert.deepEqual(await settle(), { over: ['unknown'], back: [] })
  // Taken back while the source was away: the server is there again, its guest is still set aside.
  const move = await cloud.store.moves.newest(id, ['finished'])
  await cloud.store.moves.change(move?.uuid ?? '', { status: 'error' }, Date.now())
  await cloud.store.instances.change(instanceId(id), { host, vmState: 'active', powerState: 1, flavor }, Date.now())
  const { over, back } = await settle()
  assert.deepEqual(over, ['unknown'])
  assert.deepEqual(
    back.map(({ spec, isOn }) => [spec.id, spec.flavor.id, isOn]),
    [[id, flavor.flavorId, true]],
  )
  await cloud.close()
})

test('an evacuation is complete only when the old guest has really gone', async () => {
  const cloud = await smallCloud()
  const id = await boot(cloud)
  const { host } = await cloud.store.instances.get(id)
  await askEvacuation(false)(cloud, await cloud.store.instances.get(id))
  await runAll(cloud, id)
  const statusAfter = async (left: readonly string[]) => {
    await settleMoves(cloud.conductor, host ?? '', { aside: [], left })
    return (await cloud.store.moves.list({ filter: { instanceId: id } }))[0]?.status
  }
  assert.equal(await statusAfter([id]), 'done')
  assert.equal(await statusAfter([]), 'completed')
  await cloud.close()
})
