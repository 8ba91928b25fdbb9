import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { type ApiCloud, type Json, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
let neutron: Person
let id: string
before(async () => {
  cloud = await startCloud({ quotas: { ram: -1 } })
  neutron = await cloud.add('neutron', 'service')
  id = await cloud.bootServer()
})
after(() => cloud.close())

const tell = (events: readonly Json[], ask = {}) =>
  cloud.request('POST', '/os-server-external-events', { version: newest, as: neutron, body: { events }, ...ask })
const soon = (what: string, isSo: () => Promise<boolean>) =>
  waitFor(what, async () => ((await isSo()) ? true : undefined), { deadlineMs: 60_000, everyMs: 5 })
const record = () => cloud.store.instances.get(id)

test('each event gets its own answer', async () => {
  const flavorRef = await cloud.newFlavor({ name: 'huge', ram: 1_000_000_000 })
  const homeless = await cloud.bootServer({ as: cloud.admin, status: 'ERROR', fields: { flavorRef, networks: 'none' } })
  const nobody = newUuid()
  const answer = await tell([
    { name: 'network-changed', server_uuid: id },
    { name: 'network-vif-plugged', server_uuid: id, tag: newUuid(), status: 'failed' },
    { name: 'network-changed', server_uuid: nobody, tag: 'x', status: 'in-progress' },
    { name: 'network-changed', server_uuid: homeless },
    { name: 'volume-extended', server_uuid: id },
    { name: 'power-update', server_uuid: homeless },
  ])
  const [first, second, ...refused] = answer.expect(207).body.events
  assert.deepEqual(first, { name: 'network-changed', server_uuid: id, status: 'completed', code: 200 })
  assert.deepEqual([second.status, second.code], ['completed', 200])
  assert.deepEqual(
    refused.map((event: Json) => [event.status, event.code]),
    [
      ['failed', 404],
      ['failed', 422],
      ['failed', 400],
      ['failed', 400],
    ],
  )
  ;(await tell([{ name: 'network-changed', server_uuid: id, status: 'completed', tag: 'x' }])).expect(200)
})

test('network-changed: the record follows the port', async () => {
  const before = (await record()).networkInfo
  await cloud.store.instances.rewriteNetwork(instanceId(id), vifs => vifs.map(vif => ({ ...vif, label: 'stale' })))
  ;(await tell([{ name: 'network-changed', server_uuid: id, tag: before[0]?.portId }])).expect(200)
  await soon('the record to be fresh', async () => (await record()).networkInfo[0]?.label === 'private')
})

test('network-vif-unplugged and -plugged: the record says whether the port is wired', async () => {
  const [vif] = (await record()).networkInfo
  for (const [name, isActive] of [
    ['network-vif-unplugged', false],
    ['network-vif-plugged', true],
  ] as const) {
    ;(await tell([{ name, server_uuid: id, tag: vif?.portId }])).expect(200)
    await soon(`the record to follow ${name}`, async () => (await record()).networkInfo[0]?.isActive === isActive)
  }
})

test('network-vif-deleted: the interface goes from the record and from the guest', async () => {
  const [vif] = (await record()).networkInfo
  const nics = async () => (await cloud.driver.guest(instanceId(id)).diagnostics()).nics.length
  assert.equal(await nics(), 1)
  ;(await tell([{ name: 'network-vif-deleted', server_uuid: id, tag: vif?.portId }])).expect(200)
  await soon('the guest to let go', async () => (await nics()) === 0)
  assert.deepEqual((await record()).networkInfo, [])
})

test('power-update: recorded, and failed where nobody but the host switches guests', async () => {
  const answer = await tell([{ name: 'power-update', server_uuid: id, tag: 'POWER_OFF' }])
  const requestId = answer.expect(200).headers.get('x-openstack-request-id') ?? ''
  const path = `/servers/${id}/os-instance-actions/${requestId}`
  const action = async () => (await cloud.request('GET', path, { as: cloud.admin })).expect(200).body.instanceAction
  await soon('the event to end', async () => (await action()).events[0]?.result === 'Error')
  const found = await action()
  assert.equal(found.action, 'stop')
  assert.equal(found.events[0].event, 'compute_power_update')
  const server = await cloud.server(id)
  assert.equal(server.status, 'ACTIVE')

  const on = (await tell([{ name: 'power-update', server_uuid: id, tag: 'POWER_ON' }])).expect(200)
  const onPath = `/servers/${id}/os-instance-actions/${on.headers.get('x-openstack-request-id')}`
  const onAction = async () => (await cloud.request('GET', onPath, { as: cloud.admin })).expect(200).body.instanceAction
  await soon('the event to end', async () => (await onAction()).events[0]?.result === 'Success')
  assert.equal((await onAction()).action, 'start')
})

test('volume-extended: the record and the guest see the new size, and the user finds it in the log', async () => {
  const volume = await cloud.deps.volumes.create('service', { name: 'data', sizeGiB: 3 })
  const disk = {
    kind: 'volume',
    deviceName: '/dev/vdb',
    bus: 'virtio',
    deviceType: 'disk',
    bootIndex: null,
    size: 2,
    format: null,
    tag: null,
    volume: { id: volume.id, connection: { driverVolumeType: 'local', data: {} } },
  } as const
  const definition = {
    source: 'volume',
    destination: 'volume',
    imageId: null,
    volumeId: volume.id,
    snapshotId: null,
    bootIndex: null,
    deviceName: disk.deviceName,
    diskBus: disk.bus,
    deviceType: disk.deviceType,
    guestFormat: null,
    size: disk.size,
    volumeType: null,
    deleteOnTermination: false,
    tag: null,
  } as const
  const { blockDevices } = cloud.store
  const [deviceId = ''] = await blockDevices.add(id, [definition], cloud.deps.clock.now())
  await cloud.driver.volumes.attach(instanceId(id), { ...disk, id: deviceId })
  const answer = (await tell([{ name: 'volume-extended', server_uuid: id, tag: volume.id }])).expect(200)
  const path = `/servers/${id}/os-instance-actions/${answer.headers.get('x-openstack-request-id')}`
  const action = async () => (await cloud.request('GET', path, { as: cloud.admin })).expect(200).body.instanceAction
  await soon('the event to end', async () => (await action()).events[0]?.result === 'Success')
  assert.equal((await action()).action, 'extend_volume')
  assert.equal((await blockDevices.find(deviceId))?.size, 3)
  assert.equal(cloud.driver.disksOf(instanceId(id)).find(found => found.id === deviceId)?.size, 3)
  await cloud.driver.volumes.detach(instanceId(id), volume.id)
  await blockDevices.remove(deviceId)
})

test('names by microversion, and what no event may be', async () => {
  const since: readonly (readonly [string, string, string])[] = [
    ['volume-extended', '2.50', '2.51'],
    ['power-update', '2.75', '2.76'],
    ['accelerator-request-bound', '2.81', '2.82'],
    ['volume-reimaged', '2.92', '2.93'],
  ]
  for (const [name, before, from] of since) {
    const event = { name, server_uuid: newUuid(), tag: 'x' }
    ;(await tell([event], { version: before })).expect(400)
    ;(await tell([event], { version: from })).expect(207)
  }
  ;(await tell([])).expect(400)
  ;(await tell([{ name: 'network-changed', server_uuid: 'x' }])).expect(400)
  ;(await tell([{ name: 'network-changed', server_uuid: id, code: 200 }])).expect(400)
})

test('for services and administrators', async () => {
  const events = [{ name: 'network-changed', server_uuid: id }]
  ;(await tell(events, { as: cloud.member })).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-server-external-events:create to be performed.",
  )
  ;(await tell(events, { as: cloud.admin })).expect(200)
})
