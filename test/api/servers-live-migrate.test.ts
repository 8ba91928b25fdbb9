import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { HypervisorError, HypervisorUnavailable, PostCopyFailed } from '#virt'
import { type ApiCloud, type Ask, type Json, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
let manager: Person
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two', 'three'] })
  manager = await cloud.add('manager', 'manager', cloud.member.projectId)
})
after(() => cloud.close())
afterEach(() => {
  for (const { copyBrake } of cloud.drivers.values()) {
    copyBrake.release()
    copyBrake.permitsPostCopy = false
  }
})

const act = (id: string, body: unknown, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, as: cloud.admin, ...ask, body })
const live = (id: string, fields: Readonly<Record<string, unknown>> = {}, ask: Ask = {}) =>
  act(id, { 'os-migrateLive': { host: null, block_migration: 'auto', ...fields } }, ask)
const hostOf = async (id: string): Promise<string> =>
  (await cloud.server(id, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host']
const guestsOf = async (id: string): Promise<string[]> => {
  const found: string[] = []
  for (const [host, driver] of cloud.drivers) if ((await driver.list()).some(guest => guest.id === id)) found.push(host)
  return found
}
const recordOf = async (id: string): Promise<Json> => {
  const asked = { as: cloud.admin, version: newest }
  const { body } = await cloud.request('GET', `/os-migrations?instance_uuid=${id}`, asked)
  return body.migrations[0]
}
const others = async (id: string): Promise<string[]> => {
  const from = await hostOf(id)
  return ['one', 'two', 'three'].filter(host => host !== from)
}
const driverOf = async (id: string) => {
  const driver = cloud.drivers.get(await hostOf(id))
  assert.ok(driver !== undefined)
  return driver
}
const moves = (id: string, rest = '', ask: Ask & { method?: string } = {}) =>
  cloud.request(ask.method ?? 'GET', `/servers/${id}/migrations${rest}`, { version: newest, as: cloud.admin, ...ask })

/** Begins a migration that does not end, and waits until its copy runs. */
async function heldMigration(id: string): Promise<Json> {
  ;(await driverOf(id)).copyBrake.hold()
  ;(await live(id)).expect(202)
  return waitFor(
    'the copy to run',
    async () => {
      const { migrations } = (await moves(id)).expect(200).body
      const [move] = migrations
      return move?.status === 'running' && move.memory_total_bytes !== null ? move : undefined
    },
    { deadlineMs: 60_000 },
  )
}

async function remove(id: string): Promise<void> {
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
}

/** Hosts to which the server's ports are bound now. */
const portsOf = async (id: string): Promise<string[]> =>
  (await cloud.neutron('GET', `/ports?device_id=${id}`, undefined, cloud.admin)).ports.map(
    (port: Json) => port['binding:host_id'],
  )

/** Begins one whose guest runs at the target while the rest of its memory is held back. */
async function postCopy(id: string): Promise<Json> {
  const { copyBrake } = await driverOf(id)
  const move = await heldMigration(id)
  copyBrake.permitsPostCopy = true
  ;(await moves(id, `/${move.id}/action`, { method: 'POST', body: { force_complete: null } })).expect(202)
  const isAhead = async () => {
    const record = await recordOf(id)
    return record.status === 'running (post-copy)' ? record : undefined
  }
  return waitFor('the guest to go on at the target', isAhead, { deadlineMs: 60_000 })
}

describe('live migration', () => {
  test('the guest runs on another host, its record and allocations follow', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    assert.equal((await live(id)).expect(202).text, '')
    const server = await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(server.progress, 100)
    const to = await hostOf(id)
    assert.notEqual(to, from)
    assert.deepEqual(await guestsOf(id), [to])
    const record = await recordOf(id)
    assert.equal(record.status, 'completed')
    assert.equal(record.migration_type, 'live-migration')
    assert.deepEqual([record.source_compute, record.dest_compute, record.links], [from, to, undefined])
    const nodes = new Map((await cloud.store.computeNodes.list()).map(node => [node.uuid, node.host]))
    const { allocations } = await cloud.placement.port.consumer(id)
    assert.deepEqual(
      Object.keys(allocations).map(node => nodes.get(node)),
      [to],
    )
    assert.deepEqual((await cloud.placement.port.consumer(record.uuid)).allocations, {})
  })

  test('a paused guest stays paused', async () => {
    const id = await cloud.bootServer()
    ;(await act(id, { pause: null })).expect(202)
    await cloud.waitForStatus(id, 'PAUSED')
    const [to] = await others(id)
    ;(await live(id, { host: to })).expect(202)
    const server = await cloud.waitForStatus(id, 'PAUSED')
    assert.equal(server['OS-EXT-STS:power_state'], 3)
    assert.equal(await hostOf(id), to)
  })

  test('shows its progress while it runs, and is forced to its end', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    const move = await heldMigration(id)
    const server = await cloud.server(id, { as: cloud.admin })
    assert.equal(server.status, 'MIGRATING')
    assert.ok(server.progress > 0 && server.progress < 100, `progress ${server.progress}`)
    assert.equal(move.memory_total_bytes, 128 * 1024 ** 2)
    assert.ok(move.memory_remaining_bytes < move.memory_total_bytes)
    assert.equal(move.server_uuid, id)
    const shown = (await moves(id, `/${move.id}`)).expect(200).body.migration
    assert.equal(shown.source_compute, from)
    const record = await recordOf(id)
    assert.equal(record.links[0].rel, 'self')
    assert.match(record.links[0].href, new RegExp(`/servers/${id}/migrations/${move.id}$`))
    ;(await live(id)).refuses(409, `Cannot 'os-migrateLive' instance ${id} while it is in task_state migrating`)
    const force = { method: 'POST', body: { force_complete: null } }
    ;(await moves(id, `/${move.id}/action`, { ...force, as: cloud.member })).expect(403)
    ;(await moves(id, '/77/action', force)).refuses(400, `Migration 77 not found for instance ${id}`)
    assert.equal((await moves(id, `/${move.id}/action`, { ...force, as: manager })).expect(202).text, '')
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.notEqual(await hostOf(id), from)
    ;(await moves(id, `/${move.id}/action`, force)).refuses(
      409,
      `Cannot 'force_complete' instance ${id} while it is in task_state None`,
    )
  })

  test('forced to go on at its target it is found there at once, and nothing stops it any more', async () => {
    const id = await cloud.bootServer()
    const [move, from] = [await postCopy(id), await hostOf(id)]
    const to = move.dest_compute
    assert.deepEqual(await portsOf(id), [to])
    assert.equal(await hostOf(id), from, 'until all of it is there')
    assert.deepEqual((await moves(id)).body.migrations, [])
    for (const version of ['2.64', newest])
      (await moves(id, `/${move.id}`, { method: 'DELETE', version })).refuses(
        400,
        `Migration ${move.id} state of instance ${id} is running (post-copy). Cannot abort live migration while the migration is in this state.`,
      )
    ;(await moves(id, `/${move.id}/action`, { method: 'POST', body: { force_complete: null } })).refuses(
      400,
      `Migration ${move.id} state of instance ${id} is running (post-copy). Cannot force complete while the migration is in this state.`,
    )
    cloud.drivers.get(from)?.copyBrake.release()
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(await hostOf(id), to)
    assert.deepEqual(await guestsOf(id), [to])
    assert.equal((await recordOf(id)).status, 'completed')
    await remove(id)
  })

  test('lost while it went on at its target it is in error, at home, and its fault says why', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    const { dest_compute: host } = await postCopy(id)
    cloud.drivers.get(from)?.failNext('send', PostCopyFailed({ id, host }))
    await cloud.waitForStatus(id, 'ERROR')
    const server = await cloud.server(id, { as: cloud.admin })
    assert.match(server.fault.message, /was lost on its way to/)
    assert.equal(server['OS-EXT-STS:power_state'], 4)
    assert.deepEqual([await hostOf(id), await portsOf(id), await guestsOf(id)], [from, [from], [from]])
    assert.equal((await recordOf(id)).status, 'failed')
    ;(await act(id, { reboot: { type: 'HARD' } })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    await remove(id)
  })

  test('is aborted: the guest stays where it is', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    const move = await heldMigration(id)
    ;(await moves(id, `/${move.id}`, { method: 'DELETE', version: '2.23' })).expect(404)
    ;(await moves(id, '/77', { method: 'DELETE' })).refuses(404, `Migration 77 not found for instance ${id}`)
    assert.equal((await moves(id, `/${move.id}`, { method: 'DELETE' })).expect(202).text, '')
    const server = await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(server['OS-EXT-STS:power_state'], 1)
    assert.equal(await hostOf(id), from)
    assert.deepEqual(await guestsOf(id), [from])
    assert.equal((await recordOf(id)).status, 'cancelled')
    ;(await moves(id, `/${move.id}`)).refuses(404, `Live migration ${move.id} for server ${id} is not in progress.`)
    ;(await moves(id, '/x')).refuses(404, `In-progress live migration x is not found for server ${id}.`)
    assert.deepEqual((await moves(id)).body.migrations, [])
  })

  test('one at a time leaves a host; who waits in line may be aborted from 2.65 on', async () => {
    const first = await cloud.bootServer()
    const from = await hostOf(first)
    const second = await cloud.bootServer({
      as: cloud.admin,
      fields: { host: from, networks: 'none' },
    })
    await heldMigration(first)
    ;(await live(second)).expect(202)
    const queued = await waitFor(
      'a place in line',
      async () => {
        const [move] = (await moves(second)).body.migrations
        return move?.status === 'queued' ? move : undefined
      },
      { deadlineMs: 60_000 },
    )
    ;(await moves(second, `/${queued.id}`, { method: 'DELETE', version: '2.64' })).refuses(
      400,
      `Migration ${queued.id} state of instance ${second} is queued. Cannot abort live migration while the migration is in this state.`,
    )
    ;(await moves(second, `/${queued.id}`, { method: 'DELETE' })).expect(202)
    await cloud.waitForStatus(second, 'ACTIVE')
    assert.equal(await hostOf(second), from)
    assert.equal((await recordOf(second)).status, 'cancelled')
    cloud.drivers.get(from)?.copyBrake.release()
    await cloud.waitForStatus(first, 'ACTIVE')
    assert.notEqual(await hostOf(first), from)
  })

  test('a copy that fails leaves the guest, with a fault', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    ;(await driverOf(id)).failNext('send', HypervisorError({ operation: 'migrate', reason: 'planned' }))
    ;(await live(id)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual(await guestsOf(id), [from])
    assert.equal((await recordOf(id)).status, 'failed')
    assert.match((await cloud.store.faults.newest([id])).get(id)?.message ?? '', /planned/)
  })

  test('a target that cannot take it is passed over, and with the host asked for there is no other', async () => {
    const id = await cloud.bootServer()
    const [refusing = ''] = await others(id)
    const from = await hostOf(id)
    cloud.drivers.get(refusing)?.failNext('refusal', HypervisorError({ operation: 'check', reason: 'planned' }))
    ;(await live(id, { host: refusing })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal((await recordOf(id)).status, 'error')
    assert.match((await cloud.store.faults.newest([id])).get(id)?.message ?? '', /^No valid host was found/)
    ;(await live(id)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.notEqual(await hostOf(id), from)
  })

  test('a source that dies in the middle of the copy keeps the guest, and the target nothing', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    await heldMigration(id)
    await cloud.stopHost(from)
    const service = await cloud.store.services.find(from, 'nova-compute')
    assert.ok(service !== undefined)
    await cloud.store.services.change(service, { isForcedDown: true }, Date.now())
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(await hostOf(id), from)
    assert.deepEqual(await guestsOf(id), [from])
    assert.equal((await recordOf(id)).status, 'failed')
    const nodes = new Map((await cloud.store.computeNodes.list()).map(node => [node.uuid, node.host]))
    const { allocations } = await cloud.placement.port.consumer(id)
    assert.deepEqual(
      Object.keys(allocations).map(node => nodes.get(node)),
      [from],
    )
    await cloud.store.services.change(service, { isForcedDown: false }, Date.now())
    await cloud.startHost(from)
  })

  test('a delete on the way takes everything back and removes the server', async () => {
    const id = await cloud.bootServer()
    await heldMigration(id)
    await remove(id)
    assert.deepEqual(await guestsOf(id), [])
    assert.deepEqual((await cloud.placement.port.consumer(id)).allocations, {})
  })
})

describe('the host asked for', () => {
  test('is for those who may name it; unknown and own ones are refused', async () => {
    const id = await cloud.bootServer()
    const from = await hostOf(id)
    const [to] = await others(id)
    ;(await live(id, { host: to }, { as: manager })).refuses(
      403,
      "Policy doesn't allow os_compute_api:os-migrate-server:migrate_live:host to be performed.",
    )
    ;(await live(id, {}, { as: cloud.member })).expect(403)
    ;(await live(id, { host: 'nowhere' })).refuses(400, 'Compute host nowhere could not be found.')
    ;(await live(id, { force: true }, { version: '2.30' })).refuses(400, "Can't force to a non-provided destination")
    ;(await live(id, { force: true, host: to })).expect(400)
    ;(await live(id, { disk_over_commit: false })).expect(400)
    // The checks are waited for below 2.34, and forced past the scheduler below 2.30.
    const old = { block_migration: true, disk_over_commit: false }
    ;(await live(id, { ...old, host: from }, { version: '2.24' })).refuses(
      400,
      `Unable to migrate instance (${id}) to current host (${from}).`,
    )
    await cloud.waitForStatus(id, 'ACTIVE')
    ;(await live(id, { host: from }, { version: '2.33' })).refuses(400, /^No valid host was found/)
    await cloud.waitForStatus(id, 'ACTIVE')
    ;(await live(id, { ...old, host: to }, { version: '2.24' })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(await hostOf(id), to)
  })

  test('a stopped server cannot go', async () => {
    const id = await cloud.bootServer()
    ;(await act(id, { 'os-stop': null })).expect(202)
    await cloud.waitForStatus(id, 'SHUTOFF')
    ;(await live(id)).refuses(409, `Cannot 'os-migrateLive' instance ${id} while it is in vm_state stopped`)
    await remove(id)
  })
})

// The last one: what it has planned for its target is left over.
test('a target that cannot be made ready yet is given up when the migration is aborted, from 2.65 on', async () => {
  const id = await cloud.bootServer()
  const from = await hostOf(id)
  const [to = ''] = await others(id)
  const away = HypervisorUnavailable({ reason: 'planned' })
  for (let i = 0; i < 100; i++) cloud.drivers.get(to)?.failNext('prepareIncoming', away)
  ;(await live(id, { host: to })).expect(202)
  const isPreparing = async () => {
    const [move] = (await moves(id)).body.migrations
    return move?.status === 'preparing' ? move : undefined
  }
  const move = await waitFor('the target to be made ready', isPreparing, { deadlineMs: 60_000 })
  ;(await moves(id, `/${move.id}`, { method: 'DELETE', version: '2.64' })).refuses(400, /is preparing\. Cannot abort/)
  ;(await moves(id, `/${move.id}`, { method: 'DELETE' })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.deepEqual([await hostOf(id), await guestsOf(id)], [from, [from]])
  assert.equal((await recordOf(id)).status, 'cancelled')
})
