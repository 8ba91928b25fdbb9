import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ApiCloud, type Ask, newest, type Person, startCloud } from './harness.ts'

/** Cold migration: a resize to the same flavor, by whoever may choose hosts or at least send servers away. */
let cloud: ApiCloud
let manager: Person
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two', 'three'] })
  manager = await cloud.add('manager', 'manager', cloud.member.projectId)
})
after(() => cloud.close())

const migrate = (id: string, body: unknown, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, as: cloud.admin, ...ask, body: { migrate: body } })
const hostOf = async (id: string): Promise<string> =>
  (await cloud.server(id, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host']

describe('cold migration', () => {
  let id: string
  before(async () => {
    id = await cloud.bootServer()
  })

  test('goes somewhere else for a manager, whose word the host is not', async () => {
    const from = await hostOf(id)
    ;(await migrate(id, { host: 'one' }, { as: manager })).refuses(
      403,
      "Policy doesn't allow os_compute_api:os-migrate-server:migrate:host to be performed.",
    )
    ;(await migrate(id, null, { as: cloud.member })).expect(403)
    assert.equal((await migrate(id, null, { as: manager })).expect(202).text, '')
    const server = await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    assert.equal(server.flavor.original_name, 'm1.test')
    assert.notEqual(await hostOf(id), from)
    const [move] = (await cloud.request('GET', '/os-migrations', { as: cloud.admin, version: newest })).body.migrations
    assert.equal(move.migration_type, 'migration')
    assert.equal(move.old_instance_type_id, move.new_instance_type_id)
    ;(await migrate(id, null)).refuses(409, `Cannot 'migrate' instance ${id} while it is in vm_state resized`)
    const confirm = { version: newest, body: { confirmResize: null } }
    ;(await cloud.request('POST', `/servers/${id}/action`, confirm)).expect(204)
    await cloud.waitForStatus(id, 'ACTIVE')
  })

  test('goes to the host asked for from 2.56 on; before, the body says nothing', async () => {
    const from = await hostOf(id)
    const to = ['one', 'two', 'three'].filter(host => host !== from)[1] ?? ''
    ;(await migrate(id, { host: from })).refuses(400, 'Cannot migrate to the host where the server exists.')
    ;(await migrate(id, { host: 'nowhere' })).refuses(400, 'Compute host nowhere could not be found.')
    ;(await migrate(id, { host: 'a b' })).expect(400)
    ;(await migrate(id, { host: to })).expect(202)
    await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    assert.equal(await hostOf(id), to)
    const revert = { version: newest, body: { revertResize: null } }
    ;(await cloud.request('POST', `/servers/${id}/action`, revert)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    ;(await migrate(id, { host: 'nowhere' }, { version: '2.55' })).expect(202)
    await cloud.waitForStatus(id, 'VERIFY_RESIZE')
  })
})
