import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ApiCloud, type Json, newest, type Person, startCloud } from './harness.ts'

/** Three moves of two servers: a resize, its revert's record, and a live migration by the administrator. */
let cloud: ApiCloud
let manager: Person
let one: string
let two: string
before(async () => {
  cloud = await startCloud({ hosts: ['a', 'b'] })
  manager = await cloud.add('manager', 'manager', cloud.member.projectId)
  const flavorRef = await cloud.newFlavor({ name: 'm1.larger', ram: 256 })
  one = await cloud.bootServer()
  two = await cloud.bootServer()
  const act = (id: string, body: unknown, as = cloud.admin) =>
    cloud.request('POST', `/servers/${id}/action`, { version: newest, as, body })
  ;(await act(one, { resize: { flavorRef } }, manager)).expect(202)
  await cloud.waitForStatus(one, 'VERIFY_RESIZE')
  ;(await act(two, { 'os-migrateLive': { host: null, block_migration: 'auto' } })).expect(202)
  await cloud.waitForStatus(two, 'ACTIVE')
  ;(await act(two, { migrate: null })).expect(202)
  await cloud.waitForStatus(two, 'VERIFY_RESIZE')
})
after(() => cloud.close())

const list = async (query = '', version = newest, as = cloud.admin): Promise<Json> =>
  (await cloud.request('GET', `/os-migrations${query}`, { version, as })).expect(200).body
const ids = ({ migrations }: Json): number[] => migrations.map((m: Json) => m.id)

describe('GET /os-migrations', () => {
  test('oldest first and bare below 2.23, with types from there, newest first with pages from 2.59', async () => {
    const old = await list('', '2.1')
    assert.deepEqual(ids(old), [1, 2, 3])
    assert.deepEqual(Object.keys(old.migrations[0]).sort(), [
      'created_at',
      'dest_compute',
      'dest_host',
      'dest_node',
      'id',
      'instance_uuid',
      'new_instance_type_id',
      'old_instance_type_id',
      'source_compute',
      'source_node',
      'status',
      'updated_at',
    ])
    assert.deepEqual(
      (await list('', '2.23')).migrations.map((m: Json) => m.migration_type),
      ['resize', 'live-migration', 'migration'],
    )
    const paged = await list('?limit=2', '2.59')
    assert.deepEqual(ids(paged), [3, 2])
    const [next] = paged.migrations_links
    assert.equal(next.rel, 'next')
    const marker = paged.migrations[1].uuid
    assert.match(next.href, new RegExp(`/os-migrations\\?limit=2&marker=${marker}$`))
    assert.deepEqual(ids(await list(`?limit=2&marker=${marker}`, '2.59')), [1])
    assert.equal((await list('?limit=0')).migrations.length, 0)
    const unknown = await cloud.request('GET', '/os-migrations?marker=x', { version: newest, as: cloud.admin })
    unknown.refuses(400, 'Marker x could not be found.')
  })

  test('filters by server, host, status, type, owner and time', async () => {
    assert.deepEqual(ids(await list(`?instance_uuid=${two}`)), [3, 2])
    assert.deepEqual(ids(await list('?status=completed')), [2])
    assert.deepEqual(ids(await list('?migration_type=resize')), [1])
    assert.deepEqual(ids(await list('?host=a')), [3, 2, 1])
    assert.deepEqual(ids(await list('?source_compute=a')).length + ids(await list('?source_compute=b')).length, 3)
    assert.deepEqual(ids(await list('?hidden=1')), [])
    assert.deepEqual(ids(await list(`?user_id=${manager.userId}`)), [1])
    assert.deepEqual(ids(await list(`?project_id=${cloud.admin.projectId}`)), [3, 2])
    assert.deepEqual(ids(await list('?changes-since=2040-01-01T00:00:00Z')), [])
    assert.deepEqual(ids(await list('?changes-before=2040-01-01T00:00:00Z')), [3, 2, 1])
    const backwards = '?changes-since=2040-01-01T00:00:00Z&changes-before=2020-01-01T00:00:00Z'
    ;(await cloud.request('GET', `/os-migrations${backwards}`, { version: newest, as: cloud.admin })).refuses(
      400,
      'The value of changes-since must be less than or equal to changes-before.',
    )
    const strange = { version: '2.59', as: cloud.admin }
    ;(await cloud.request('GET', '/os-migrations?changes-before=2040-01-01T00:00:00Z', strange)).expect(400)
    assert.deepEqual(ids(await list('?anything=goes', '2.58')), [1, 2, 3])
  })

  test('a manager sees those of his project, without hosts; a member none', async () => {
    const { migrations } = await list('', newest, manager)
    assert.deepEqual(
      migrations.map((m: Json) => m.id),
      [1],
    )
    const [{ source_compute, dest_compute, dest_host, dest_node, source_node }] = migrations
    assert.deepEqual([source_compute, dest_compute, dest_host, dest_node, source_node], Array(5).fill(null))
    assert.deepEqual(ids(await list(`?project_id=${cloud.admin.projectId}`, newest, manager)), [])
    ;(await cloud.request('GET', '/os-migrations', { version: newest })).expect(403)
  })
})

describe('/servers/{id}/migrations', () => {
  test('knows live migrations on their way only', async () => {
    const ask = { version: newest, as: cloud.admin }
    assert.deepEqual((await cloud.request('GET', `/servers/${two}/migrations`, ask)).expect(200).body, {
      migrations: [],
    })
    ;(await cloud.request('GET', `/servers/${one}/migrations/1`, ask)).refuses(
      404,
      `Migration 1 for server ${one} is not live-migration.`,
    )
    ;(await cloud.request('GET', `/servers/${one}/migrations/2`, ask)).refuses(
      404,
      `In-progress live migration 2 is not found for server ${one}.`,
    )
    ;(await cloud.request('GET', `/servers/${two}/migrations`, { ...ask, version: '2.22' })).expect(404)
    ;(await cloud.request('DELETE', `/servers/${two}/migrations/2`, ask)).refuses(
      409,
      `Cannot 'abort live migration' instance ${two} while it is in task_state None`,
    )
    ;(await cloud.request('GET', `/servers/${one}/migrations`, { ...ask, as: cloud.stranger })).expect(404)
  })
})
