import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, waitFor } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'
import { moreVolumes } from './volumes.ts'

/** Many at once: what is true of one request stays true, and nothing is left over. */

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['a', 'b'] })
  await moreVolumes(cloud)
})
after(() => cloud.close())

const attach = (id: string, volumeId: string) =>
  cloud.request('POST', `/servers/${id}/os-volume_attachments`, {
    version: '2.60',
    body: { volumeAttachment: { volumeId } },
  })
const attachments = async (id: string): Promise<Json[]> =>
  (await cloud.request('GET', `/servers/${id}/os-volume_attachments`, { version: newest })).expect(200).body
    .volumeAttachments
const idle = (id: string) =>
  waitFor('the sagas to end', async () => ((await cloud.store.sagas.openOf(id)).length === 0 ? true : undefined), {
    deadlineMs: 60_000,
    everyMs: 5,
  })
const times = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

test('eight volumes at once get eight names', async () => {
  const id = await cloud.bootServer()
  const volumes = await times(8, () => cloud.newVolume())
  const answers = await Promise.all(volumes.map(volume => attach(id, volume)))
  assert.deepEqual([...new Set(answers.map(answer => answer.status))], [200])
  assert.equal(new Set(answers.map(answer => answer.body.volumeAttachment.device)).size, 8)
  for (const volume of volumes) await cloud.volumeIs(volume, 'in-use')
  await idle(id)
  assert.equal((await attachments(id)).length, 8)
  const gone = await Promise.all(
    volumes.map(volume => cloud.request('DELETE', `/servers/${id}/os-volume_attachments/${volume}`)),
  )
  assert.deepEqual([...new Set(gone.map(answer => answer.status))], [202])
  for (const volume of volumes) await cloud.volumeIs(volume, 'available')
  await idle(id)
  assert.deepEqual(await attachments(id), [])
})

test('one volume for several servers at once goes to one', async () => {
  const ids = await times(3, index => cloud.bootServer({ name: `s${index}` }))
  const volume = await cloud.newVolume()
  const answers = await Promise.all(ids.map(id => attach(id, volume)))
  assert.deepEqual(answers.map(answer => answer.status).sort(), [200, 400, 400])
  await cloud.volumeIs(volume, 'in-use')
  for (const id of ids) await idle(id)
  const all = (await Promise.all(ids.map(attachments))).flat()
  assert.equal(all.length, 1)
  const winner = all[0].serverId
  const path = `/servers/${winner}/os-volume_attachments/${volume}`
  const twice = await times(2, () => cloud.request('DELETE', path))
  assert.ok(twice.some(answer => answer.status === 202))
  assert.ok(twice.every(answer => [202, 400, 404].includes(answer.status)))
  await cloud.volumeIs(volume, 'available')
  await idle(winner)
})

test('a server that is deleted while volumes come and go leaves them free', async () => {
  const id = await cloud.bootServer()
  const volumes = await times(4, () => cloud.newVolume())
  const answers = await Promise.all([
    ...volumes.map(volume => attach(id, volume)),
    cloud.request('DELETE', `/servers/${id}`),
  ])
  assert.ok(answers.every(answer => answer.status < 500))
  await cloud.waitUntilGone(id)
  for (const volume of volumes) await cloud.volumeIs(volume, 'available')
  assert.deepEqual(await cloud.store.blockDevices.of(id), [])
  assert.deepEqual(await cloud.deps.volumes.attachments('service', { serverId: id }), [])
})

test('whoever accepts an attach and dies is followed by the saga', async () => {
  const id = await cloud.bootServer()
  const volume = await cloud.newVolume()
  const nowMs = cloud.deps.clock.now()
  const [deviceId = ''] = await cloud.store.blockDevices.add(
    id,
    [
      {
        source: 'volume',
        destination: 'volume',
        imageId: null,
        volumeId: volume,
        snapshotId: null,
        bootIndex: null,
        deviceName: '/dev/vdb',
        diskBus: null,
        deviceType: null,
        guestFormat: null,
        size: 1,
        volumeType: null,
        deleteOnTermination: false,
        tag: null,
      },
    ],
    nowMs,
  )
  const sagaId = 'f0000000-0000-4000-8000-000000000001'
  const input = { instanceId: id, deviceId, requestId: 'req-1' }
  const saga = { id: sagaId, name: 'volume-attach', instanceId: id, input }
  const journal = { outputs: {}, attempts: {}, undone: [], direction: 'forward', isPastPivot: false, failure: null }
  await cloud.store.sagas.add({ ...saga, heldUntilMs: nowMs + 60_000 }, journal, nowMs)
  await cloud.deps.conductor.wake({ sagaId })
  assert.equal((await cloud.cinder('GET', `/volumes/${volume}`)).volume.status, 'available')
  // As at the start of the next process.
  await cloud.store.sagas.releaseAllOwners()
  await cloud.deps.conductor.wake({ sagaId })
  await cloud.volumeIs(volume, 'in-use')
  await idle(id)
  const disks = ['a', 'b'].flatMap(host => cloud.drivers.get(host)?.disksOf(instanceId(id)) ?? [])
  assert.ok(disks.some(disk => disk.volume?.id === volume))
})

test('shelved away, a server keeps its volumes held, may get more, and comes back with all of them', async () => {
  const id = await cloud.bootServer()
  const [first, second, third] = [await cloud.newVolume(), await cloud.newVolume(), await cloud.newVolume()]
  ;(await attach(id, first)).expect(200)
  await cloud.volumeIs(first, 'in-use')
  await idle(id)
  const act = (body: object) => cloud.request('POST', `/servers/${id}/action`, { body })
  ;(await act({ shelve: null })).expect(202)
  await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
  await cloud.volumeIs(first, 'reserved')
  const old = await cloud.request('POST', `/servers/${id}/os-volume_attachments`, {
    version: '2.19',
    body: { volumeAttachment: { volumeId: second } },
  })
  old.refuses(409, `Cannot 'attach_volume' instance ${id} while it is in vm_state shelved_offloaded`)
  for (const volume of [second, third]) {
    const { volumeAttachment } = (await attach(id, volume)).expect(200).body
    assert.equal(volumeAttachment.device, null)
    await cloud.volumeIs(volume, 'in-use')
    await idle(id)
  }
  const gone = await cloud.request('DELETE', `/servers/${id}/os-volume_attachments/${third}`, { version: '2.20' })
  gone.expect(202)
  await cloud.volumeIs(third, 'available')
  await idle(id)
  ;(await act({ unshelve: null })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  const devices = Object.fromEntries((await attachments(id)).map(a => [a.volumeId, a.device]))
  assert.deepEqual(devices, { [first]: '/dev/vdb', [second]: '/dev/vdc' })
  for (const volume of [first, second]) await cloud.volumeIs(volume, 'in-use')
})
