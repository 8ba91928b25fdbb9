/** The built-in share service by its public API, as clients see it. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { newUuid, silentLog, systemClock, waitFor } from '#base'
import { createShareService } from '#embedded/share'
import type { Json } from '../api/answer.ts'
import { adminOf, type BuiltIn, startBuiltIn } from '../cloud/neighbours.ts'
import { newUser } from '../cloud/world.ts'

let builtIn: BuiltIn
let [admin, owner, mate, reader, stranger] = ['', '', '', '', '']
const newPerson = async (name: string, role = 'member') => newUser(await adminOf(builtIn), name, role)
before(async () => {
  builtIn = await startBuiltIn()
  admin = (await newPerson('share admin', 'admin')).token
  owner = (await newPerson('owner of shares')).token
  reader = (await newPerson('reader of shares', 'reader')).token
  stranger = (await newPerson('stranger to shares')).token
  mate = (await newPerson('another of shares')).token
})
after(() => builtIn.close())

interface Ask {
  readonly as?: string
  readonly version?: string | null
  readonly body?: unknown
}

async function ask(method: string, path: string, { as = owner, version = '2.82', body }: Ask = {}) {
  const reply = await fetch(`${builtIn.urls.share}${path.startsWith('/v2') || path === '/' ? path : `/v2${path}`}`, {
    method,
    headers: {
      'x-auth-token': as,
      ...(version === null ? {} : { 'x-openstack-manila-api-version': version }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, body: (text === '' ? null : JSON.parse(text)) as Json, headers: reply.headers }
}
const refused = async (status: number, message: RegExp, method: string, path: string, asked: Ask = {}) => {
  const reply = await ask(method, path, asked)
  const [fault] = Object.values(reply.body as Record<string, { message: string }>)
  assert.equal(reply.status, status, JSON.stringify(reply.body))
  assert.match(fault?.message ?? '', message)
}
const isThere = (id: string, as = owner) =>
  waitFor(
    'the share',
    async () => {
      const { body } = await ask('GET', `/shares/${id}`, { as })
      return body.share.status === 'available' ? body.share : undefined
    },
    { deadlineMs: 60_000, everyMs: 5 },
  )
const isGone = (id: string) =>
  waitFor(
    'the share to be gone',
    async () => ((await ask('GET', `/shares/${id}`, { as: admin })).status === 404 ? true : undefined),
    { deadlineMs: 60_000, everyMs: 5 },
  )
const made = async (fields: object = {}, as = owner): Promise<Json> => {
  const share = { share_proto: 'NFS', size: 1, ...fields }
  const { status, body } = await ask('POST', '/shares', { as, body: { share } })
  assert.equal(status, 200, JSON.stringify(body))
  return isThere(body.share.id, as)
}
const act = (id: string, action: object, as = owner, version = '2.82') =>
  ask('POST', `/shares/${id}/action`, { as, version, body: action })

describe('versions', () => {
  test('are told to everybody, and obeyed', async () => {
    const { status, body } = await ask('GET', '/', { as: 'nobody' })
    assert.equal(status, 300)
    assert.deepEqual([body.versions[0].version, body.versions[0].min_version], ['2.82', '2.0'])
    await refused(406, /not supported by the API/, 'GET', '/shares', { version: '2.999' })
    await refused(400, /invalid format/, 'GET', '/shares', { version: 'two' })
    assert.equal((await ask('GET', '/shares', { as: 'nobody' })).status, 401)
    const { headers } = await ask('GET', '/shares', { version: 'latest' })
    assert.equal(headers.get('x-openstack-manila-api-version'), '2.82')
  })

  test('a share of the first version names its export, a later one has a list of them', async () => {
    const { id } = await made()
    const old = (await ask('GET', `/shares/${id}`, { version: null })).body.share
    assert.ok(existsSync(old.export_location))
    assert.equal((await ask('GET', `/shares/${id}/export_locations`, { version: '2.8' })).status, 404)
    const { export_locations } = (await ask('GET', `/shares/${id}/export_locations`)).body
    assert.deepEqual(Object.keys(export_locations[0]).sort(), ['id', 'path', 'preferred'])
    const path = `/shares/${id}/export_locations`
    const forAdmin = (await ask('GET', path, { as: admin })).body.export_locations[0]
    assert.equal(forAdmin.is_admin_only, false)
    assert.equal((await ask('GET', `${path}/${forAdmin.id}`)).body.export_location.path, old.export_location)
    await refused(404, /doesn't exist/, 'GET', `${path}/${newUuid()}`)
  })
})

describe('shares', () => {
  test('what cannot be made says why', async () => {
    const post = (fields: object, status: number, message: RegExp, as = owner) =>
      refused(status, message, 'POST', '/shares', { as, body: { share: { share_proto: 'NFS', size: 1, ...fields } } })
    await post({ share_proto: 'CIFS' }, 400, /Invalid share protocol provided: CIFS/)
    await post({ size: 0 }, 400, /size/)
    await post({ size: 'much' }, 400, /integer/)
    await post({ availability_zone: 'moon' }, 404, /moon/)
    await post({ share_type: 'golden' }, 404, /golden/)
    await post({ snapshot_id: newUuid() }, 404, /could not be found/)
    await post({ share_network_id: newUuid() }, 400, /network/)
    await post({ size: 1001 }, 413, /gigabytes quota/)
    await post({ is_public: true }, 403, /create_public_share/)
    await post({}, 403, /share:create/, reader)
    await refused(422, /'share'/, 'POST', '/shares', { body: { other: {} } })
    await refused(400, /Malformed/, 'POST', '/shares')
  })

  test('are seen by their project, by administrators, and by all when they are public', async () => {
    const mine = await made({ name: 'mine' })
    const open = await made({ name: 'open', is_public: true }, admin)
    await refused(404, /could not be found/, 'GET', `/shares/${mine.id}`, { as: stranger })
    assert.equal((await ask('GET', `/shares/${open.id}`, { as: stranger })).status, 200)
    assert.equal((await ask('DELETE', `/shares/${open.id}`, { as: stranger })).status, 403)
    const names = async (query: string, as: string) =>
      (await ask('GET', `/shares?${query}`, { as })).body.shares.map((s: Json) => s.name)
    assert.deepEqual(await names('', stranger), [])
    assert.deepEqual(await names('is_public=True', stranger), ['open'])
    assert.deepEqual(await names('all_tenants=1', stranger), [])
    assert.ok((await names('all_tenants=1', admin)).includes('mine'))
    assert.deepEqual(await names('all_tenants=1&name=mine&is_public=True', admin), ['mine'])
  })

  test('lists are filtered, sorted and cut', async () => {
    for (const [name, size] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ] as const)
      await made({ name, size, metadata: { kind: name === 'b' ? 'odd' : 'even' } }, mate)
    const list = async (query: string) => (await ask('GET', `/shares/detail?${query}`, { as: mate })).body
    const names = async (query: string) => (await list(query)).shares.map((s: Json) => s.name).join('')
    assert.equal(await names('sort_key=size&sort_dir=asc'), 'bca')
    assert.equal(await names('sort_key=name&sort_dir=desc'), 'cba')
    assert.equal(await names('name~=b'), 'b')
    assert.equal(await names(`metadata=${encodeURIComponent("{'kind': 'even'}")}&sort_key=name&sort_dir=asc`), 'ac')
    assert.equal(await names('status=error'), '')
    assert.equal(await names('is_soft_deleted=True'), '')
    const page = await list('sort_key=name&sort_dir=asc&limit=2&with_count=true')
    assert.equal(page.count, 3)
    assert.match(page.shares_links[0].href, /offset=2/)
    assert.equal(await names('sort_key=name&sort_dir=asc&limit=2&offset=2'), 'c')
    await refused(400, /sort_key/, 'GET', '/shares?sort_key=colour')
    await refused(400, /limit/, 'GET', '/shares?limit=-1')
  })

  test('are described, resized, and told what they are', async () => {
    const { id } = await made()
    const put = await ask('PUT', `/shares/${id}`, {
      body: { share: { display_name: 'new', display_description: 'd' } },
    })
    assert.deepEqual([put.body.share.name, put.body.share.description], ['new', 'd'])
    const path = `/shares/${id}/metadata`
    await ask('POST', path, { body: { metadata: { a: '1', b: '2' } } })
    assert.deepEqual((await ask('PUT', path, { body: { metadata: { b: '3', c: '4' } } })).body.metadata, {
      b: '3',
      c: '4',
    })
    assert.equal((await ask('DELETE', `${path}/c`)).status, 200)
    await refused(404, /not found/, 'DELETE', `${path}/c`)
    assert.deepEqual((await ask('GET', path)).body.metadata, { b: '3' })
    assert.equal((await act(id, { extend: { new_size: 3 } })).status, 202)
    assert.equal((await act(id, { extend: { new_size: 2 } })).status, 400)
    assert.equal((await act(id, { shrink: { new_size: 2 } })).status, 202)
    assert.equal((await ask('GET', `/shares/${id}`)).body.share.size, 2)
    assert.equal((await act(id, { reset_status: { status: 'error' } })).status, 403)
    assert.equal((await act(id, { reset_status: { status: 'creating' } }, admin)).status, 202)
    assert.equal((await ask('DELETE', `/shares/${id}`)).status, 403)
    assert.equal((await act(id, { explode: null })).status, 400)
    assert.equal((await act(id, { force_delete: null }, admin)).status, 202)
    await isGone(id)
  })
})

describe('access rules and locks', () => {
  test('a rule is for an address, once, and goes when it is told to', async () => {
    const { id } = await made()
    const allow = (rule: object, as = owner) =>
      act(id, { allow_access: { access_type: 'ip', access_to: '10.1.2.3', ...rule } }, as)
    assert.equal((await allow({}, reader)).status, 403)
    assert.equal((await allow({ access_to: '10.1.2.300' })).status, 400)
    assert.equal((await allow({ access_to: '10.1.2.0/33' })).status, 400)
    assert.equal((await allow({ access_type: 'user' })).status, 400)
    assert.equal((await allow({ access_type: 'magic' })).status, 400)
    assert.equal((await allow({ access_level: 'rwx' })).status, 400)
    assert.equal((await allow({ lock_reason: 'why' })).status, 400)
    const { access } = (await allow({ access_level: 'ro', metadata: { a: 'b' } })).body
    assert.deepEqual([access.state, access.access_level, access.share_id], ['active', 'ro', id])
    assert.equal((await allow({ access_to: '10.1.2.3/32' })).status, 400)
    assert.equal((await allow({ access_to: '2001:db8::/64' })).status, 200)
    const old = await act(id, { access_list: null }, owner, '2.44')
    assert.equal(old.body.access_list.length, 2)
    assert.equal((await act(id, { access_list: null })).status, 400)
    assert.equal((await ask('GET', `/share-access-rules/${access.id}`)).body.access.metadata.a, 'b')
    await refused(400, /share_id/, 'GET', '/share-access-rules')
    assert.equal((await act(id, { deny_access: { access_id: access.id } })).status, 202)
    assert.equal((await act(id, { deny_access: { access_id: access.id } })).status, 404)
    assert.equal((await ask('GET', `/share-access-rules?share_id=${id}`)).body.access_list.length, 1)
  })

  test('a lock keeps a share from being deleted, until whoever may takes it away', async () => {
    const { id } = await made()
    const lock = (fields: object, as = owner) =>
      ask('POST', '/resource-locks', {
        as,
        body: { resource_lock: { resource_id: id, resource_type: 'share', ...fields } },
      })
    assert.equal((await lock({}, stranger)).status, 400)
    assert.equal((await lock({ resource_id: 'x' })).status, 400)
    assert.equal((await lock({ resource_action: 'show' })).status, 400)
    const { resource_lock } = (await lock({ lock_reason: 'mine' })).body
    assert.deepEqual([resource_lock.lock_context, resource_lock.resource_action], ['user', 'delete'])
    await refused(403, /prevent delete action/, 'DELETE', `/shares/${id}`)
    assert.equal((await ask('GET', '/resource-locks', { as: stranger })).body.resource_locks.length, 0)
    assert.equal((await ask('DELETE', `/resource-locks/${resource_lock.id}`, { as: stranger })).status, 404)
    const path = `/resource-locks/${resource_lock.id}`
    assert.equal((await ask('PUT', path, { body: { resource_lock: { resource_id: id } } })).status, 400)
    const changed = await ask('PUT', path, { body: { resource_lock: { lock_reason: 'ours' } } })
    assert.equal(changed.body.resource_lock.lock_reason, 'ours')
    const byAdmin = (await lock({}, admin)).body.resource_lock
    assert.equal((await ask('DELETE', path)).status, 204)
    await refused(403, /prevent delete action/, 'DELETE', `/shares/${id}`)
    assert.equal((await ask('DELETE', `/resource-locks/${byAdmin.id}`, { as: admin })).status, 204)
    assert.equal((await ask('DELETE', `/shares/${id}`)).status, 202)
    await isGone(id)
    assert.equal((await ask('GET', '/resource-locks', { version: '2.80' })).status, 404)
  })
})

describe('types and quotas', () => {
  test('types are made by administrators, and stay while a share has them', async () => {
    const { share_type } = (await ask('GET', '/types/default')).body
    assert.equal(share_type.required_extra_specs.driver_handles_share_servers, 'False')
    const body = { share_type: { name: 'fast', extra_specs: { driver_handles_share_servers: 'false', speed: 'high' } } }
    assert.equal((await ask('POST', '/types', { body })).status, 403)
    const made1 = (await ask('POST', '/types', { as: admin, body })).body.share_type
    assert.equal((await ask('POST', '/types', { as: admin, body })).status, 409)
    await refused(400, /driver_handles_share_servers/, 'POST', '/types', {
      as: admin,
      body: { share_type: { name: 'x' } },
    })
    assert.equal((await ask('GET', `/types/${made1.id}`)).body.share_type.extra_specs.speed, undefined)
    const share = await made({ share_type: 'fast' })
    assert.equal(share.share_type_name, 'fast')
    assert.equal((await ask('DELETE', `/types/${made1.id}`, { as: admin })).status, 409)
    await ask('DELETE', `/shares/${share.id}`)
    await isGone(share.id)
    assert.equal((await ask('DELETE', `/types/${made1.id}`, { as: admin })).status, 202)
  })

  test('of many that share the last place, one gets it', async () => {
    const { token, projectId } = await newPerson('share miser')
    const path = `/quota-sets/${projectId}`
    assert.equal((await ask('PUT', path, { as: token, body: { quota_set: { shares: 9 } } })).status, 403)
    assert.equal((await ask('PUT', path, { as: admin, body: { quota_set: { tables: 9 } } })).status, 400)
    await ask('PUT', path, { as: admin, body: { quota_set: { shares: 1 } } })
    const body = { share: { share_proto: 'NFS', size: 1 } }
    const all = await Promise.all(Array.from({ length: 5 }, () => ask('POST', '/shares', { as: token, body })))
    assert.deepEqual(all.map(a => a.status).sort(), [200, 413, 413, 413, 413])
    const { quota_set } = (await ask('GET', `${path}/detail`, { as: token })).body
    assert.deepEqual(quota_set.shares, { limit: 1, in_use: 1, reserved: 0 })
    assert.equal((await ask('GET', path, { as: stranger })).status, 403)
    assert.equal((await ask('DELETE', path, { as: admin })).status, 202)
    assert.equal((await ask('GET', path, { as: token })).body.quota_set.shares, 50)
  })
})

test('what a killed process has begun is finished by the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-shares-'))
  const file = join(folder, 'share.sqlite')
  const options = {
    databaseUrl: `sqlite:///${file}`,
    sharesPath: join(folder, 'shares'),
    identity: builtIn.identity,
    log: silentLog,
    clock: systemClock,
  }
  const open = () => createShareService(options)
  const post = async (service: Awaited<ReturnType<typeof open>>) => {
    const answer = await service.face.inject({
      method: 'POST',
      url: '/v2/shares',
      headers: { 'x-auth-token': owner, 'content-type': 'application/json' },
      payload: JSON.stringify({ share: { share_proto: 'NFS', size: 1 } }),
    })
    return answer.json<{ share: { id: string } }>().share.id
  }
  let service = await open()
  const [creating, deleting] = [await post(service), await post(service)]
  await service.close()
  const database = new DatabaseSync(file)
  const path = (id: string) => {
    const row = database.prepare('select instance_id from share_shares where id = ?').get(id) as { instance_id: string }
    return join(folder, 'shares', `share-${row.instance_id}`)
  }
  const [first, second] = [path(creating), path(deleting)]
  // As if the first one's folder had not been made yet, and the second one's was about to go.
  rmSync(first, { recursive: true })
  writeFileSync(join(second, 'file'), 'content')
  for (const [status, id] of [
    ['creating', creating],
    ['deleting', deleting],
  ] as const)
    database.prepare('update share_shares set status = ? where id = ?').run(status, id)
  database.close()
  service = await open()
  await waitFor('the first', async () => (existsSync(first) ? true : undefined), { deadlineMs: 60_000 })
  await waitFor('the second', async () => (existsSync(second) ? undefined : true), { deadlineMs: 60_000 })
  await service.close()
  const again = new DatabaseSync(file)
  assert.deepEqual(
    again
      .prepare('select id, status from share_shares')
      .all()
      .map(row => ({ ...row })),
    [{ id: creating, status: 'available' }],
  )
  again.close()
  rmSync(folder, { recursive: true })
})
