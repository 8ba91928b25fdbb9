import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { instanceId, newUuid, systemClock, waitFor } from '#base'
import { emptyJournal } from '#saga'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptDelete, acceptTask } from '../../src/api/accept/task.ts'
import { Audit } from '../../src/conductor/reconcilers/audit/index.ts'
import { endLateBuilds } from '../../src/conductor/reconcilers/late-work.ts'
import { engineOf, runOpen } from './engine.ts'
import { intentOn, makeUserPort } from './intent.ts'
import { userVolumes } from './volumes.ts'
import { caller, projectId, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

let cloud: SmallCloud
let audit: Audit
/** Hours later, as far as the audit knows. */
let later = 0
beforeEach(async () => {
  cloud = await smallCloud()
  later = 0
  audit = new Audit({ ...cloud.conductor, clock: { ...systemClock, now: () => systemClock.now() + later } })
})
afterEach(() => cloud.close())

async function boot(userPort: string | null = null): Promise<string> {
  const intent = await intentOn(cloud, userPort)
  const [id = ''] = (await acceptBuild(cloud.api, caller, requestId, intent)).instanceIds
  await runOpen(cloud)
  return id
}

async function remove(id: string): Promise<void> {
  await acceptDelete(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), 'delete')
  await runOpen(cloud)
}

const nodeOf = async (host: string): Promise<string> =>
  (await cloud.store.computeNodes.find({ host }))?.uuid ?? assert.fail(`no node of ${host}`)

const claim = (consumerId: string, nodes: readonly string[], consumerType: 'INSTANCE' | 'MIGRATION' = 'INSTANCE') =>
  cloud.placement.port.reallocate([
    {
      consumerId,
      consumerType,
      allocations: Object.fromEntries(nodes.map(node => [node, { VCPU: 1, MEMORY_MB: 128 }])),
      projectId,
      userId: caller.userId,
    },
  ])

const heldBy = async (id: string) => (await cloud.placement.port.consumer(id)).allocations

/** Two looks and what they begin. */
async function twice(): Promise<void> {
  assert.deepEqual(await audit.round(0), [], 'one look is not enough')
  await audit.round(0)
  await runOpen(cloud)
}

describe('claims on hosts', () => {
  test('without an allocation there go, those beside one stay', async () => {
    const id = await boot()
    const node = await nodeOf((await cloud.store.instances.get(id)).host ?? '')
    const stranger = newUuid()
    const claimed = { nodeId: node, numa: null, requests: [], ports: [] }
    await cloud.store.hostClaims.add({ consumerId: id, instanceId: id, ...claimed })
    await cloud.store.hostClaims.add({ consumerId: stranger, instanceId: stranger, ...claimed })
    await twice()
    assert.deepEqual(
      (await cloud.store.hostClaims.all()).map(({ consumerId }) => consumerId),
      [id],
    )
  })
})

describe('allocations', () => {
  test('of a server that is deleted, of a move that is over and of nobody go', async () => {
    const id = await boot()
    const node = await nodeOf('one')
    await remove(id)
    const [nobody, stranger] = [newUuid(), newUuid()]
    await claim(id, [node])
    await claim(nobody, [node], 'MIGRATION')
    await claim(stranger, [node])
    later = 3_600_000
    await twice()
    for (const consumer of [id, nobody, stranger]) assert.deepEqual(await heldBy(consumer), {})
  })

  test('a server without one gets it, one on the wrong host moves, a second one goes', async () => {
    const [without, wrong, double] = [await boot(), await boot(), await boot()]
    const right = await heldBy(without)
    const places = await Promise.all(
      [without, wrong, double].map(async id => (await cloud.store.instances.get(id)).host),
    )
    const other = await nodeOf(places[1] === 'one' ? 'two' : 'one')
    const [own, elsewhere] = [await nodeOf(places[2] ?? ''), await nodeOf(places[2] === 'one' ? 'two' : 'one')]
    const good = await heldBy(double)
    await cloud.placement.port.release(without)
    await claim(wrong, [other])
    await claim(double, [own, elsewhere])
    await twice()
    assert.deepEqual(await heldBy(without), right)
    assert.deepEqual(Object.keys(await heldBy(wrong)), [await nodeOf(places[1] ?? '')])
    assert.deepEqual(Object.keys(await heldBy(double)), Object.keys(good))
  })

  test('a server that somebody works on is left alone', async () => {
    const id = await boot()
    await cloud.placement.port.release(id)
    const stop = { action: 'stop', word: 'stop', saga: 'server-stop', input: {} } as const
    await acceptTask(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), stop)
    assert.deepEqual(await audit.round(0), [])
    assert.deepEqual(await audit.round(0), [])
    assert.deepEqual(await heldBy(id), {})
  })
})

test('ports and volumes of a deleted server are taken from it; those of the user stay his', async () => {
  const port = await makeUserPort(cloud)
  const [volume = ''] = await userVolumes(cloud)
  const id = await boot(port)
  await remove(id)
  const { network, volumes } = cloud.conductor
  await network.updatePort('service', port, { deviceId: id, deviceOwner: 'compute:nova', bindingHost: 'one' })
  const binding = { deviceId: id, deviceOwner: 'compute:nova', bindingHost: 'one', hostname: 'left' }
  const left = await network.createPort('service', { ...binding, networkId: cloud.networkId, projectId })
  await volumes.createAttachment('service', { volumeId: volume, serverId: id })
  later = 3_600_000
  await audit.round(0)
  const ports = await network.ports('service', {})
  assert.ok(!ports.some(p => p.id === left.id), 'the port that we made is gone')
  assert.equal(ports.find(p => p.id === port)?.deviceId, '')
  assert.deepEqual(await volumes.attachments('service', { serverId: id }), [])
  assert.equal((await volumes.get('service', volume)).status, 'available')
})

test('an image that nobody is going to fill goes; others stay', async () => {
  const id = await boot()
  const { images } = cloud.conductor
  const record = {
    visibility: 'private',
    diskFormat: null,
    containerFormat: null,
    minDiskGiB: 0,
    minRamMiB: 0,
  } as const
  const properties = { instance_uuid: id, image_type: 'snapshot' }
  const lost = await images.create(caller, { ...record, name: 'lost', properties })
  const awaited = await images.create(caller, { ...record, name: 'awaited', properties })
  const users = await images.create(caller, { ...record, name: 'of the user', properties: {} })
  const saga = { id: newUuid(), name: 'server-snapshot', instanceId: id, input: { imageId: awaited.id } }
  await cloud.store.sagas.add(saga, emptyJournal(), systemClock.now())
  await audit.round(0)
  await audit.round(0)
  const left = (await images.list('service')).map(image => image.id)
  assert.ok(!left.includes(lost.id))
  assert.ok(left.includes(awaited.id) && left.includes(users.id))
})

test('an image of volumes over which its API died goes, and its action ends', async () => {
  const id = await boot()
  const { images } = cloud.conductor
  const event = { instanceId: id, requestId: 'req-lost', event: 'api_snapshot_instance', host: null }
  const nowMs = systemClock.now()
  const { userId } = caller
  await cloud.store.actions.start({ ...event, action: 'createImage', userId, projectId, startAtMs: nowMs })
  await cloud.store.actions.startEvent({ ...event, nowMs })
  const { volumes } = cloud.conductor
  const [volumeId = ''] = await userVolumes(cloud)
  const [device] = await cloud.store.blockDevices.of(id)
  assert.ok(device !== undefined)
  await cloud.store.blockDevices.change(device.id, { volumeId })
  const asked = { volumeId, description: null, isForced: true }
  const snapshot = await volumes.createSnapshot('service', { ...asked, name: 'snapshot for half' })
  const users = await volumes.createSnapshot('service', { ...asked, name: 'of the user' })
  const properties = { bdm_v2: 'True', block_device_mapping: JSON.stringify([{ snapshot_id: snapshot.id }]) }
  const record = {
    visibility: 'private',
    diskFormat: 'qcow2',
    containerFormat: 'bare',
    minDiskGiB: 1,
    minRamMiB: 0,
  } as const
  const half = await images.create(caller, { ...record, name: 'half', properties })
  const elder = { ...cloud.conductor, options: { ...cloud.conductor.options, auditMs: 60_000 } }
  audit = new Audit({ ...elder, clock: { ...systemClock, now: () => systemClock.now() + later } })
  await audit.round(0)
  assert.ok(
    (await images.list('service')).some(image => image.id === half.id),
    'it may still be on its way',
  )
  later = 3_600_000
  await audit.round(0)
  assert.ok(!(await images.list('service')).some(image => image.id === half.id))
  await waitFor(
    'the snapshot to go',
    // One that is being made cannot be deleted yet: the next round does it.
    async () => {
      await audit.round(0)
      return (await volumes.listSnapshots('service')).some(s => s.id === snapshot.id) ? undefined : true
    },
    { deadlineMs: 60_000 },
  )
  assert.ok((await volumes.listSnapshots('service')).some(s => s.id === users.id))
  const action = await cloud.store.actions.find(id, 'req-lost')
  assert.equal(action?.message, 'Error')
})

test('a task, a build and a move that no saga works on end, and say why', async () => {
  const id = await boot()
  const nowMs = systemClock.now()
  await cloud.store.instances.change(instanceId(id), { taskState: 'pausing', sagaId: newUuid() }, nowMs)
  const [building = ''] = (await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))).instanceIds
  for (const saga of await cloud.store.sagas.openOf(building)) {
    const claimed = await cloud.store.sagas.claim(saga, 'somebody', nowMs, nowMs + 1000)
    assert.ok(claimed !== undefined)
    await cloud.store.sagas.end(claimed, 'somebody', emptyJournal(), 'done', nowMs)
  }
  await audit.round(0)
  assert.equal((await cloud.store.instances.get(id)).taskState, 'pausing')
  await audit.round(0)
  const [held, built] = [await cloud.store.instances.get(id), await cloud.store.instances.get(building)]
  assert.deepEqual([held.vmState, held.taskState, built.vmState, built.taskState], ['active', null, 'error', null])
  const faults = await cloud.store.faults.newest([id, building])
  assert.deepEqual(
    [...faults.values()].map(fault => fault.message),
    Array(2).fill('The operation was lost: nobody works on it any more.'),
  )
})

test('a build that takes too long is an error that says so, and leaves nothing', async () => {
  const [id = ''] = (await acceptBuild(cloud.api, caller, requestId, await intentOn(cloud, null))).instanceIds
  const engine = engineOf(cloud, { owner: 'slow' })
  const clock = { ...systemClock, now: () => systemClock.now() + 60_001 }
  // Taken by the engine, and cancelled before its first step.
  for (const { id: saga } of await cloud.store.sagas.open()) engine.wake(saga)
  await endLateBuilds({ ...cloud.conductor, clock }, engine, 60_000)
  await engine.idle()
  const { vmState, taskState } = await cloud.store.instances.get(id)
  assert.deepEqual([vmState, taskState], ['error', null])
  const fault = (await cloud.store.faults.newest([id])).get(id)
  assert.equal(fault?.message, 'Instance build timed out after 60 seconds. Set to error state.')
  assert.deepEqual(await heldBy(id), {})
})
