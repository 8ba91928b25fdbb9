import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { HypervisorError } from '#virt'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'
import { moreVolumes } from './volumes.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  await moreVolumes(cloud)
  id = await cloud.bootServer()
})
after(() => cloud.close())

const at = (method: string, path = '', ask: Ask = {}) =>
  cloud.request(method, `/servers/${id}/os-volume_attachments${path}`, { version: '2.100', ...ask })
const attach = (volumeAttachment: object, ask: Ask = {}) => at('POST', '', { ...ask, body: { volumeAttachment } })
const list = async (): Promise<Json[]> => (await at('GET')).expect(200).body.volumeAttachments
const guestVolumes = () => cloud.driver.disksOf(instanceId(id)).flatMap(disk => disk.volume?.id ?? [])
const settled = () =>
  waitFor('the sagas to end', async () => ((await cloud.store.sagas.openOf(id)).length === 0 ? true : undefined), {
    deadlineMs: 60_000,
    everyMs: 5,
  })
const attached = async (fields: object = {}): Promise<string> => {
  const volumeId = await cloud.newVolume()
  ;(await attach({ volumeId, ...fields })).expect(200)
  await cloud.volumeIs(volumeId, 'in-use')
  await settled()
  return volumeId
}
const detached = async (volumeId: string): Promise<void> => {
  ;(await at('DELETE', `/${volumeId}`)).expect(202)
  await cloud.volumeIs(volumeId, 'available')
  await settled()
}
const action = async (): Promise<Json> => {
  const [newestAction] = (await cloud.request('GET', `/servers/${id}/os-instance-actions`)).expect(200).body
    .instanceActions
  const path = `/servers/${id}/os-instance-actions/${newestAction.request_id}`
  return (await cloud.request('GET', path, { version: newest, as: cloud.admin })).expect(200).body.instanceAction
}

describe('attach and detach', () => {
  test('a volume is held at once, in the guest soon, shown everywhere, and free again when it is taken away', async () => {
    const volumeId = await cloud.newVolume()
    const { volumeAttachment } = (await attach({ volumeId, tag: 'data', delete_on_termination: true })).expect(200).body
    assert.deepEqual(volumeAttachment, {
      id: volumeId,
      volumeId,
      serverId: id,
      device: '/dev/vdb',
      tag: 'data',
      delete_on_termination: true,
    })
    assert.notEqual((await cloud.cinder('GET', `/volumes/${volumeId}`)).volume.status, 'available')
    const volume = await cloud.volumeIs(volumeId, 'in-use')
    assert.deepEqual([volume.attachments[0].server_id, volume.attachments[0].device], [id, '/dev/vdb'])
    await settled()
    assert.deepEqual(guestVolumes(), [volumeId])
    assert.equal((await action()).action, 'attach_volume')
    assert.deepEqual(
      (await action()).events.map((event: Json) => [event.event, event.result]),
      [['compute_attach_volume', 'Success']],
    )
    const { server } = (await cloud.request('GET', `/servers/${id}`, { version: '2.3' })).body
    assert.deepEqual(server['os-extended-volumes:volumes_attached'], [{ id: volumeId, delete_on_termination: true }])
    const old = (await cloud.request('GET', '/servers/detail')).body.servers
    assert.deepEqual(old[0]['os-extended-volumes:volumes_attached'], [{ id: volumeId }])
    await detached(volumeId)
    assert.deepEqual([guestVolumes(), await list()], [[], []])
    assert.equal((await action()).action, 'detach_volume')
    ;(await at('GET', `/${volumeId}`)).refuses(404, `Instance ${id} is not attached to volume ${volumeId}`)
  })

  test('fields by version', async () => {
    const volumeId = await attached({ tag: 'x' })
    const keys = async (version: string) =>
      Object.keys((await at('GET', `/${volumeId}`, { version })).expect(200).body.volumeAttachment).sort()
    const first = ['device', 'id', 'serverId', 'volumeId']
    assert.deepEqual(await keys('2.1'), first)
    assert.deepEqual(await keys('2.70'), [...first, 'tag'].sort())
    assert.deepEqual(await keys('2.79'), [...first, 'tag', 'delete_on_termination'].sort())
    const last = ['attachment_id', 'bdm_uuid', 'delete_on_termination', 'device', 'serverId', 'tag', 'volumeId']
    assert.deepEqual(await keys('2.89'), last)
    await detached(volumeId)
  })

  test('2.101 answers 202 with nothing', async () => {
    const volumeId = await cloud.newVolume()
    const answer = (await attach({ volumeId }, { version: '2.101' })).expect(202)
    assert.equal(answer.text, '')
    await cloud.volumeIs(volumeId, 'in-use')
    await settled()
    await detached(volumeId)
  })

  test('names: as asked, the next free one, and not twice', async () => {
    const first = await attached({ device: '/dev/vdd' })
    const second = await attached()
    const other = await cloud.newVolume()
    ;(await attach({ volumeId: other, device: '/dev/vdd' })).refuses(
      409,
      'The supplied device path (/dev/vdd) is in use.',
    )
    ;(await attach({ volumeId: other, device: '/dev/vda' })).expect(409)
    assert.equal((await cloud.cinder('GET', `/volumes/${other}`)).volume.status, 'available')
    const devices = Object.fromEntries((await list()).map(a => [a.volumeId, a.device]))
    assert.deepEqual(devices, { [first]: '/dev/vdd', [second]: '/dev/vdb' })
    await detached(first)
    await detached(second)
  })

  test('refusals', async () => {
    const volumeId = await attached()
    ;(await attach({ volumeId })).refuses(
      400,
      `Invalid volume: volume ${volumeId} is already attached to instances: ${id}`,
    )
    const unknown = newUuid()
    ;(await attach({ volumeId: unknown })).refuses(404, `Volume ${unknown} could not be found.`)
    ;(await attach({ volumeId: 'x' })).expect(400)
    ;(await attach({ volumeId: unknown, device: 'nonsense' })).expect(400)
    ;(await attach({ volumeId: unknown, tag: 'a' }, { version: '2.48' })).expect(400)
    ;(await at('DELETE', `/${unknown}`)).refuses(404, `Volume ${unknown} could not be found.`)
    const free = await cloud.newVolume()
    ;(await at('DELETE', `/${free}`)).refuses(404, `Instance ${id} is not attached to volume ${free}`)
    const foreign = await cloud.newVolume({}, cloud.stranger)
    ;(await attach({ volumeId: foreign })).expect(404)
    for (const method of ['GET', 'POST'] as const)
      (
        await at(method, '', {
          as: cloud.stranger,
          ...(method === 'POST' ? { body: { volumeAttachment: { volumeId } } } : {}),
        })
      ).expect(404)
    ;(await attach({ volumeId: free }, { as: cloud.reader })).expect(403)
    await detached(volumeId)
  })

  test('a volume that is not available is refused in Cinder’s words and leaves nothing', async () => {
    const volumeId = await cloud.newVolume()
    await cloud.cinder('POST', `/attachments`, { attachment: { volume_uuid: volumeId, instance_uuid: newUuid() } })
    const answer = (await attach({ volumeId })).expect(400)
    assert.match(answer.body.badRequest.message, /^Invalid input received: Invalid volume: Volume .* status must be /)
    assert.deepEqual(await list(), [])
    assert.notEqual((await action()).request_id, answer.headers.get('x-openstack-request-id'))
  })

  test('what the hypervisor refuses is undone and told', async () => {
    const volumeId = await cloud.newVolume()
    cloud.driver.failNext('attachVolume', HypervisorError({ operation: 'attach volume', reason: 'no more slots' }))
    ;(await attach({ volumeId })).expect(200)
    await settled()
    await cloud.volumeIs(volumeId, 'available')
    assert.deepEqual(await list(), [])
    assert.deepEqual([(await action()).action, (await action()).message], ['attach_volume', 'Error'])
    const kept = await attached()
    cloud.driver.failNext('detachVolume', HypervisorError({ operation: 'detach volume', reason: 'the guest holds it' }))
    ;(await at('DELETE', `/${kept}`)).expect(202)
    await settled()
    await cloud.volumeIs(kept, 'in-use')
    assert.deepEqual(guestVolumes(), [kept])
    await detached(kept)
  })

  test('pages count every disk', async () => {
    const volumes = [await attached(), await attached()]
    const page = async (query: string) =>
      (await at('GET', query)).expect(200).body.volumeAttachments.map((a: Json) => a.volumeId)
    assert.deepEqual(await page('?limit=2'), [volumes[0]])
    assert.deepEqual(await page('?offset=1&limit=1'), [volumes[0]])
    assert.deepEqual(await page('?offset=2'), [volumes[1]])
    ;(await at('GET', '?limit=-1')).expect(400)
    ;(await at('GET', '?nonsense=1')).expect(400)
    ;(await at('GET', '?nonsense=1', { version: '2.74' })).expect(200)
    for (const volumeId of volumes) await detached(volumeId)
  })

  test('a stopped server and a locked one', async () => {
    const act = (body: object, ask: Ask = {}) => cloud.request('POST', `/servers/${id}/action`, { body, ...ask })
    ;(await act({ 'os-stop': null })).expect(202)
    await cloud.waitForStatus(id, 'SHUTOFF')
    const volumeId = await attached()
    assert.deepEqual(guestVolumes(), [volumeId])
    ;(await act({ 'os-start': null })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual(guestVolumes(), [volumeId])
    ;(await act({ lock: null })).expect(202)
    ;(await at('DELETE', `/${volumeId}`)).refuses(409, `Instance ${id} is locked`)
    ;(await act({ unlock: null })).expect(202)
    await detached(volumeId)
  })

  test('volumes for many servers, since 2.60', async () => {
    const { volume_type: type } = await cloud.cinder(
      'POST',
      '/types',
      { volume_type: { name: 'shared', extra_specs: { multiattach: '<is> True' } } },
      cloud.admin,
    )
    const volumeId = await cloud.newVolume({ volume_type: type.name })
    ;(await attach({ volumeId }, { version: '2.59' })).refuses(
      400,
      'Multiattach volumes are only supported starting with compute API version 2.60.',
    )
    ;(await attach({ volumeId })).expect(200)
    await settled()
    ;(await attach({ volumeId })).refuses(400, `Invalid volume: volume ${volumeId} already attached`)
    const second = await cloud.bootServer({ name: 'second' })
    const path = `/servers/${second}/os-volume_attachments`
    ;(await cloud.request('POST', path, { version: '2.60', body: { volumeAttachment: { volumeId } } })).expect(200)
    await waitFor(
      'both',
      async () =>
        (await cloud.cinder('GET', `/volumes/${volumeId}`)).volume.attachments.length === 2 ? true : undefined,
      { deadlineMs: 60_000, everyMs: 5 },
    )
    ;(await cloud.request('DELETE', `/servers/${second}`)).expect(204)
    await cloud.waitUntilGone(second)
    assert.equal((await cloud.cinder('GET', `/volumes/${volumeId}`)).volume.attachments.length, 1)
    await settled()
    await detached(volumeId)
  })
})

describe('swap and change', () => {
  const put = (volumeId: string, volumeAttachment: object, ask: Ask = {}) =>
    at('PUT', `/${volumeId}`, { ...ask, body: { volumeAttachment } })

  test('2.85: whether the volume goes with its server', async () => {
    const volumeId = await attached({ tag: 'x' })
    ;(await put(volumeId, { volumeId, delete_on_termination: true })).expect(202)
    assert.equal((await list())[0].delete_on_termination, true)
    const echo = { volumeId, id: volumeId, serverId: id, device: '/dev/vdb', tag: 'x' }
    ;(await put(volumeId, { ...echo, delete_on_termination: false })).expect(202)
    assert.equal((await list())[0].delete_on_termination, false)
    ;(await put(volumeId, { ...echo, tag: 'y' })).refuses(400, 'The tag property is not mutable')
    ;(await put(volumeId, { ...echo, device: '/dev/vdz' })).refuses(400, 'The device property is not mutable')
    ;(await put(volumeId, { ...echo, serverId: newUuid() })).refuses(400, 'The serverId property is not mutable')
    ;(await put(volumeId, { ...echo, id: newUuid() })).refuses(400, 'The id property is not mutable')
    ;(await put(volumeId, { volumeId, delete_on_termination: true }, { version: '2.84', as: cloud.admin })).expect(400)
    const other = newUuid()
    ;(await put(other, { volumeId: other })).refuses(404, `No volume Block Device Mapping with id ${other}.`)
    await detached(volumeId)
  })

  test('a volume takes the place of another, for the volume service', async () => {
    const old = await attached({ delete_on_termination: true })
    const fresh = await cloud.newVolume({ size: 2 })
    ;(await put(old, { volumeId: fresh })).expect(403)
    const service = await cloud.add('cinder', 'service')
    const as = (await put(old, { volumeId: fresh }, { as: cloud.admin })).status === 202 ? cloud.admin : service
    await cloud.volumeIs(fresh, 'in-use')
    await cloud.volumeIs(old, 'available')
    await settled()
    assert.deepEqual(guestVolumes(), [fresh])
    const [shown] = await list()
    assert.deepEqual([shown.volumeId, shown.delete_on_termination, shown.device], [fresh, true, '/dev/vdb'])
    ;(await put(fresh, { volumeId: old }, { as })).refuses(
      400,
      'Invalid volume: New volume must be the same size or larger.',
    )
    ;(await put(fresh, { volumeId: newUuid() }, { as })).expect(400)
    ;(await put(old, { volumeId: fresh }, { as, version: '2.84' })).refuses(
      400,
      'Invalid volume: Old volume is attached to a different instance.',
    )
    await detached(fresh)
  })
})

test('a volume that grows, grows in the guest', async () => {
  const volumeId = await attached()
  await cloud.cinder('POST', `/volumes/${volumeId}/action`, { 'os-extend': { new_size: 3 } })
  const events = [{ name: 'volume-extended', server_uuid: id, tag: volumeId }]
  const told = await cloud.request('POST', '/os-server-external-events', {
    as: await cloud.add('volumes', 'service'),
    version: '2.51',
    body: { events },
  })
  told.expect(200)
  await waitFor(
    'the guest to see it',
    () =>
      cloud.driver.disksOf(instanceId(id)).some(d => d.volume?.id === volumeId && d.size === 3) ? true : undefined,
    { deadlineMs: 60_000, everyMs: 5 },
  )
  await waitFor(
    'the volume to be done',
    async () => ((await cloud.cinder('GET', `/volumes/${volumeId}`)).volume.size === 3 ? true : undefined),
    { deadlineMs: 60_000, everyMs: 5 },
  )
  await detached(volumeId)
})
