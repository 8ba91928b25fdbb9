import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { instanceId, waitFor } from '#base'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two', 'three'] })
})
after(() => cloud.close())

const act = (id: string, body: unknown, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, as: cloud.admin, ...ask, body })
const evacuate = (id: string, fields: Readonly<Record<string, unknown>> = {}, ask: Ask = {}) =>
  act(id, { evacuate: fields }, ask)
const hostOf = async (id: string): Promise<string> =>
  (await cloud.server(id, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host']
const recordOf = async (id: string): Promise<Json> => {
  const asked = { as: cloud.admin, version: newest }
  return (await cloud.request('GET', `/os-migrations?instance_uuid=${id}`, asked)).body.migrations[0]
}
const consoleOf = async (id: string) => cloud.drivers.get(await hostOf(id))?.consoleLog.read(instanceId(id))
const otherThan = (host: string): string => ['one', 'two', 'three'].find(name => name !== host) ?? ''

/** The host's service as an operator would have it who knows the machine is off. */
async function force(host: string, isForcedDown: boolean): Promise<void> {
  const service = await cloud.store.services.find(host, 'nova-compute')
  assert.ok(service !== undefined)
  await cloud.store.services.change(service, { isForcedDown }, Date.now())
}

/** A server whose host is down for the length of the work. */
async function onDeadHost(work: (id: string, host: string) => Promise<void>, ask?: Ask): Promise<void> {
  const id = await cloud.bootServer(ask)
  const host = await hostOf(id)
  await force(host, true)
  try {
    await work(id, host)
  } finally {
    await force(host, false)
  }
}

describe('evacuation', () => {
  test('rebuilds the server on another host; from 2.95 on it is left off', () =>
    onDeadHost(async (id, from) => {
      const answer = await evacuate(id)
      assert.equal(answer.expect(200).text, '')
      const server = await cloud.waitForStatus(id, 'SHUTOFF')
      assert.equal(server['OS-EXT-STS:power_state'], 4)
      const to = await hostOf(id)
      assert.notEqual(to, from)
      assert.equal(await consoleOf(id), '', 'it was never booted')
      const move = await recordOf(id)
      assert.equal(move.migration_type, 'evacuation')
      assert.equal(move.status, 'done')
      assert.deepEqual([move.source_compute, move.dest_compute], [from, to])
      assert.equal(move.old_instance_type_id, null)
      assert.ok((await cloud.drivers.get(from)?.list())?.some(guest => guest.id === id))
    }))

  test('the host that comes back gives up the guest, the allocation and the record', () =>
    onDeadHost(async (id, from) => {
      await cloud.stopHost(from)
      ;(await evacuate(id)).expect(200)
      await cloud.waitForStatus(id, 'SHUTOFF')
      const { uuid } = await recordOf(id)
      assert.equal(Object.keys((await cloud.placement.port.consumer(uuid)).allocations).length, 1)
      await cloud.startHost(from)
      assert.deepEqual(
        (await cloud.drivers.get(from)?.list())?.filter(guest => guest.id === id),
        [],
      )
      assert.equal((await recordOf(id)).status, 'completed')
      assert.deepEqual((await cloud.placement.port.consumer(uuid)).allocations, {})
    }))

  test('below 2.95 it runs again, and below 2.14 the answer tells its password', () =>
    onDeadHost(async (id, from) => {
      const answer = await evacuate(id, { onSharedStorage: false, adminPass: 'MySecret' }, { version: '2.1' })
      assert.deepEqual(answer.expect(200).body, { adminPass: 'MySecret' })
      await cloud.waitForStatus(id, 'ACTIVE')
      assert.notEqual(await hostOf(id), from)
    }))

  test('what was off stays off in every version, without being booted', async () => {
    for (const version of ['2.94', newest]) {
      const id = await cloud.bootServer()
      ;(await act(id, { 'os-stop': null })).expect(202)
      await cloud.waitForStatus(id, 'SHUTOFF')
      const from = await hostOf(id)
      await force(from, true)
      ;(await evacuate(id, {}, { version })).expect(200)
      await waitFor('the evacuation', async () => ((await recordOf(id))?.status === 'done' ? true : undefined), {
        deadlineMs: 60_000,
      })
      await cloud.waitForStatus(id, 'SHUTOFF')
      assert.equal(await consoleOf(id), '', 'it was never booted')
      await force(from, false)
    }
  })

  test('a server in error runs afterwards, also from 2.95 on, as with Nova', () =>
    onDeadHost(async id => {
      ;(await act(id, { 'os-resetState': { state: 'error' } })).expect(202)
      await cloud.waitForStatus(id, 'ERROR')
      ;(await evacuate(id)).expect(200)
      await cloud.waitForStatus(id, 'ACTIVE')
    }))

  test('to the host asked for, through the scheduler or past it', () =>
    onDeadHost(async (id, from) => {
      const to = otherThan(from)
      ;(await evacuate(id, { host: from })).refuses(400, "The target host can't be the same one.")
      ;(await evacuate(id, { host: 'nowhere' })).refuses(404, 'Compute host nowhere not found.')
      ;(await evacuate(id, { force: true }, { version: '2.29' })).refuses(
        400,
        "Can't force to a non-provided destination",
      )
      ;(await evacuate(id, { force: true, host: to })).expect(400)
      ;(await evacuate(id, { force: true, host: to }, { version: '2.67' })).expect(200)
      await cloud.waitForStatus(id, 'ACTIVE')
      assert.equal(await hostOf(id), to)
    }))

  test('is refused while the host is up, without rights, of a paused server, with a password for a kept disk', async () => {
    const id = await cloud.bootServer()
    const host = await hostOf(id)
    ;(await evacuate(id)).refuses(400, `Compute service of ${host} is still in use.`)
    ;(await evacuate(id, {}, { as: cloud.member })).expect(403)
    const kept = { onSharedStorage: true, adminPass: 'x' }
    ;(await evacuate(id, kept, { version: '2.1' })).refuses(400, "admin password can't be changed on existing disk")
    ;(await act(id, { pause: null })).expect(202)
    await cloud.waitForStatus(id, 'PAUSED')
    ;(await evacuate(id)).refuses(409, `Cannot 'evacuate' instance ${id} while it is in vm_state paused`)
  })

  test('nowhere to go: an error with a fault, still on its host', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    for (const host of ['one', 'two', 'three']) await force(host, true)
    ;(await evacuate(id)).expect(200)
    const server = await waitFor(
      'the error',
      async () => {
        const now = await cloud.server(id, { as: cloud.admin })
        return now.status === 'ERROR' ? now : undefined
      },
      { deadlineMs: 60_000 },
    )
    assert.match(server.fault.message, /^No valid host was found/)
    assert.equal(await hostOf(id), from)
    assert.equal((await recordOf(id)).status, 'error')
    for (const host of ['one', 'two', 'three']) await force(host, false)
  })
})
