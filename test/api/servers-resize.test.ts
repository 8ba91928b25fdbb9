import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HypervisorError } from '#virt'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let largerId: string
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'], quotas: { cores: -1, ram: -1, instances: -1 } })
  largerId = await cloud.newFlavor({ name: 'm1.larger', ram: 256, disk: 2, vcpus: 2 })
})
after(() => cloud.close())

const act = (id: string, body: unknown, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, ...ask, body })
const resize = (id: string, flavorRef = largerId, ask: Ask = {}) => act(id, { resize: { flavorRef } }, ask)
const hostOf = async (id: string): Promise<string> =>
  (await cloud.server(id, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host']
const flavorOf = async (id: string): Promise<string> => (await cloud.server(id)).flavor.original_name
const migrationsOf = async (id: string): Promise<Json[]> => {
  const asked = { as: cloud.admin, version: newest }
  return (await cloud.request('GET', `/os-migrations?instance_uuid=${id}`, asked)).expect(200).body.migrations
}
const eventsOf = async (id: string, action: string): Promise<Json[]> => {
  const asked = { as: cloud.admin, version: newest }
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`, asked)).body
  const { request_id } = instanceActions.find((a: Json) => a.action === action)
  const one = await cloud.request('GET', `/servers/${id}/os-instance-actions/${request_id}`, asked)
  return one.body.instanceAction.events
}
const guestsOf = async (id: string): Promise<string[]> => {
  const found: string[] = []
  for (const [host, driver] of cloud.drivers) if ((await driver.list()).some(guest => guest.id === id)) found.push(host)
  return found
}

describe('resize', () => {
  test('goes to the other host, shows the new flavor, and is confirmed', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    const answer = await resize(id)
    assert.equal(answer.expect(202).text, '')
    const server = await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    assert.equal(server['OS-EXT-STS:vm_state'], 'resized')
    assert.equal(server.progress, 0)
    const to = await hostOf(id)
    assert.notEqual(to, from)
    assert.deepEqual(await guestsOf(id), [to])
    assert.equal(await flavorOf(id), 'm1.larger')
    const [move] = await migrationsOf(id)
    assert.equal(move.status, 'finished')
    assert.equal(move.migration_type, 'resize')
    assert.deepEqual([move.source_compute, move.dest_compute], [from, to])
    assert.equal(move.dest_host, '127.0.0.1')
    assert.notEqual(move.old_instance_type_id, move.new_instance_type_id)
    assert.equal((await act(id, { confirmResize: null })).expect(204).text, '')
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal((await migrationsOf(id))[0].status, 'confirmed')
    assert.equal(await hostOf(id), to)
    const events = (await eventsOf(id, 'resize')).map(e => [e.event, e.result])
    assert.deepEqual(events.toReversed(), [
      ['conductor_migrate_server', 'Success'],
      ['cold_migrate', 'Success'],
      ['compute_prep_resize', 'Success'],
      ['compute_resize_instance', 'Success'],
      ['compute_finish_resize', 'Success'],
    ])
    const confirmed = (await eventsOf(id, 'confirmResize')).map(e => [e.event, e.result])
    assert.deepEqual(confirmed, [['compute_confirm_resize', 'Success']])
    await act(id, { confirmResize: null }).then(a =>
      a.refuses(409, `Cannot 'confirmResize' instance ${id} while it is in vm_state active`),
    )
  })

  test('is reverted to flavor and host, a stopped server to stopped', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    ;(await act(id, { 'os-stop': null })).expect(202)
    await cloud.waitForStatus(id, 'SHUTOFF')
    ;(await resize(id)).expect(202)
    const resized = await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    assert.equal(resized['OS-EXT-STS:power_state'], 4)
    ;(await act(id, { revertResize: null })).expect(202)
    await cloud.waitForStatus(id, 'SHUTOFF')
    assert.equal(await hostOf(id), from)
    assert.deepEqual(await guestsOf(id), [from])
    assert.equal(await flavorOf(id), 'm1.test')
    assert.equal((await migrationsOf(id))[0].status, 'reverted')
  })

  test('of a deleted flavor is reverted to it', async () => {
    const flavorRef = await cloud.newFlavor({ name: 'm1.passing' })
    const id = await cloud.bootServer({ fields: { flavorRef } })
    ;(await cloud.request('DELETE', `/flavors/${flavorRef}`, { as: cloud.admin })).expect(202)
    ;(await resize(id)).expect(202)
    await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    ;(await act(id, { revertResize: null })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(await flavorOf(id), 'm1.passing')
  })

  test('a resized server can be deleted, and leaves nothing', async () => {
    const id = await cloud.bootServer()
    ;(await resize(id)).expect(202)
    await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    const [move] = await migrationsOf(id)
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
    assert.deepEqual(await guestsOf(id), [])
    for (const driver of cloud.drivers.values()) assert.deepEqual(await driver.coldMigration.setAside(), [])
    assert.deepEqual((await cloud.placement.port.consumer(move.uuid)).allocations, {})
    assert.deepEqual((await cloud.placement.port.consumer(id)).allocations, {})
  })

  test('a failure on the way leaves the server as it was, with a fault and a failed event', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    const driver = cloud.drivers.get(from)
    driver?.failNext('offer', HypervisorError({ operation: 'offer', reason: 'planned' }))
    ;(await resize(id)).expect(202)
    const server = await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(server['OS-EXT-STS:power_state'], 1)
    assert.deepEqual(await guestsOf(id), [from])
    assert.equal(await flavorOf(id), 'm1.test')
    assert.equal((await migrationsOf(id))[0].status, 'error')
    const events = await eventsOf(id, 'resize')
    assert.equal(events[0].result, 'Error')
    assert.match(events[0].details, /planned/)
  })

  test('a disk does not shrink', async () => {
    const id = await cloud.bootServer({ fields: { flavorRef: largerId } })
    ;(await resize(id, cloud.flavorId)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    const [event] = await eventsOf(id, 'resize')
    assert.match(event.details, /Unable to resize disk down/)
  })

  test('no host is large enough: nothing changes', async () => {
    const huge = await cloud.newFlavor({ name: 'm1.huge', ram: 65_537, disk: 2 })
    const id = await cloud.bootServer()
    ;(await resize(id, huge)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    const [event] = await eventsOf(id, 'resize')
    assert.match(event.details, /^No valid host was found/)
    assert.equal((await migrationsOf(id))[0].status, 'error')
  })
})

test('a resized server deleted while its old host was away leaves nothing there either', async () => {
  const id = await cloud.bootServer()
  const from = await hostOf(id)
  ;(await resize(id)).expect(202)
  await cloud.waitForStatus(id, 'VERIFY_RESIZE')
  await cloud.stopHost(from)
  const service = await cloud.store.services.find(from, 'nova-compute')
  assert.ok(service !== undefined)
  await cloud.store.services.change(service, { isForcedDown: true }, Date.now())
  ;(await act(id, { confirmResize: null })).refuses(409, 'Service is unavailable at this time.')
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
  assert.equal((await cloud.drivers.get(from)?.coldMigration.setAside())?.length, 1)
  await cloud.store.services.change(service, { isForcedDown: false }, Date.now())
  await cloud.startHost(from)
  assert.deepEqual(await cloud.drivers.get(from)?.coldMigration.setAside(), [])
})

describe('resize is refused', () => {
  let id: string
  before(async () => {
    id = await cloud.bootServer()
  })

  test('to the same, an unknown or a diskless flavor', async () => {
    ;(await resize(id, cloud.flavorId)).refuses(400, 'When resizing, instances must change flavor!')
    ;(await resize(id, 'nonsense')).refuses(400, 'Flavor nonsense could not be found.')
    const zero = await cloud.newFlavor({ name: 'm1.zero', disk: 0 })
    ;(await resize(id, zero)).refuses(
      400,
      'Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.',
    )
  })

  test('without rights, of a locked, a paused or an unknown server, on a host that is down', async () => {
    ;(await resize(id, largerId, { as: cloud.reader })).expect(403)
    ;(await resize(id, largerId, { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
    ;(await act(id, { lock: null })).expect(202)
    ;(await resize(id)).refuses(409, `Instance ${id} is locked`)
    ;(await act(id, { unlock: null })).expect(202)
    ;(await act(id, { pause: null })).expect(202)
    await cloud.waitForStatus(id, 'PAUSED')
    ;(await resize(id)).refuses(409, `Cannot 'resize' instance ${id} while it is in vm_state paused`)
    ;(await act(id, { unpause: null })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    const service = await cloud.store.services.find(await hostOf(id), 'nova-compute')
    assert.ok(service !== undefined)
    await cloud.store.services.change(service, { isForcedDown: true }, Date.now())
    ;(await resize(id)).refuses(409, 'Service is unavailable at this time.')
    await cloud.store.services.change(service, { isForcedDown: false }, Date.now())
  })

  test('when it was not resized', async () => {
    ;(await act(id, { revertResize: null })).refuses(
      409,
      `Cannot 'revertResize' instance ${id} while it is in vm_state active`,
    )
  })
})

describe('the quota', () => {
  test('counts the growth of resizes that run at once', async t => {
    const tight = await startCloud({ hosts: ['one', 'two'], quotas: { cores: 4, ram: -1 } })
    t.after(() => tight.close())
    const flavorRef = await tight.newFlavor({ name: 'm1.two', vcpus: 2, disk: 1 })
    const ids = [await tight.bootServer(), await tight.bootServer(), await tight.bootServer()]
    const answers = await Promise.all(
      ids.map(id =>
        tight.request('POST', `/servers/${id}/action`, { version: newest, body: { resize: { flavorRef } } }),
      ),
    )
    assert.deepEqual(answers.map(a => a.status).sort(), [202, 403, 403])
    for (const answer of answers) {
      if (answer.status !== 202)
        answer.refuses(403, 'Quota exceeded for cores: Requested 1, but already used 4 of 4 cores')
    }
  })
})
