import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Ask, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['host-1', 'host-2'], quotas: { server_groups: 3, server_group_members: 2 } })
})
after(() => cloud.close())

const make = (server_group: object, ask: Partial<Ask> & { as?: Person } = {}) =>
  cloud.request('POST', '/os-server-groups', { version: newest, ...ask, body: { server_group } })
const drop = async (...ids: string[]) => {
  for (const id of ids) (await cloud.request('DELETE', `/os-server-groups/${id}`, { as: cloud.admin })).expect(204)
}
const show = async (id: string, version = newest) =>
  (await cloud.request('GET', `/os-server-groups/${id}`, { version })).expect(200).body.server_group
const tooMany = 'Quota exceeded, too many server groups.'

test('a group at every cut', async () => {
  const { id } = (await make({ name: 'old', policies: ['anti-affinity'] }, { version: '2.1' })).expect(200).body
    .server_group
  const old = { id, name: 'old', members: [], policies: ['anti-affinity'], metadata: {} }
  assert.deepEqual(await show(id, '2.12'), old)
  const owner = { project_id: cloud.member.projectId, user_id: cloud.member.userId }
  assert.deepEqual(await show(id, '2.13'), { ...old, ...owner })
  assert.deepEqual(await show(id, '2.63'), { ...old, ...owner })
  const now = { id, name: 'old', members: [], policy: 'anti-affinity', rules: {}, ...owner }
  assert.deepEqual(await show(id, '2.64'), now)
  const soft = { name: 'soft', policies: ['soft-affinity'] }
  ;(await make(soft, { version: '2.14' })).expect(400)
  const made = (await make(soft, { version: '2.15' })).expect(200).body.server_group
  assert.deepEqual(made.policies, ['soft-affinity'])
  ;(await make(soft, { version: '2.64' })).expect(400)
  const ruled = { name: 'ruled', policy: 'anti-affinity', rules: { max_server_per_host: '3' } }
  ;(await make(ruled, { version: '2.63' })).expect(400)
  const withRules = (await make(ruled, { version: '2.64' })).expect(200).body.server_group
  assert.deepEqual(withRules.rules, { max_server_per_host: 3 })
  await drop(id, made.id, withRules.id)
})

test('what is refused', async () => {
  const refused = [
    { name: 'x', policy: 'affinity', rules: { max_server_per_host: 0 } },
    { name: 'x', policy: 'legacy' },
    { name: ' x', policy: 'affinity' },
    { policy: 'affinity' },
    { name: 'x', policy: 'affinity', policies: ['affinity'] },
  ]
  for (const body of refused) (await make(body)).expect(400)
  ;(await make({ name: 'x', policies: [] }, { version: '2.1' })).expect(400)
  ;(await make({ name: 'x', policies: ['affinity', 'anti-affinity'] }, { version: '2.1' })).expect(400)
  ;(await make({ name: 'x', policy: 'affinity', rules: { max_server_per_host: 2 } })).refuses(
    400,
    'Only anti-affinity policy supports rules.',
  )
  ;(await make({ name: 'x', policy: 'affinity' }, { as: cloud.reader })).refuses(403, /os-server-groups:create/)
  const unknown = '6b2c2a34-5c80-4a8b-8f9d-1cf5c0e0b7a1'
  const words = `Instance group ${unknown} could not be found.`
  ;(await cloud.request('GET', `/os-server-groups/${unknown}`)).refuses(404, words)
  ;(await cloud.request('DELETE', `/os-server-groups/${unknown}`)).refuses(404, words)
})

test('the quota is exact, whoever comes at once', async () => {
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(n => make({ name: `g${n}`, policy: 'affinity' })))
  const made = answers.filter(answer => answer.status === 200).map(answer => answer.body.server_group.id)
  assert.equal(made.length, 3)
  for (const answer of answers.filter(answer => answer.status !== 200)) answer.refuses(403, tooMany)
  const { absolute } = (await cloud.request('GET', '/limits')).body.limits
  assert.equal(absolute.totalServerGroupsUsed, 3)
  const own = await cloud.request(
    'PUT',
    `/os-quota-sets/${cloud.stranger.projectId}?user_id=${cloud.stranger.userId}`,
    {
      as: cloud.admin,
      body: { quota_set: { server_groups: 0 } },
    },
  )
  own.expect(200)
  ;(await make({ name: 'x', policy: 'affinity' }, { as: cloud.stranger })).refuses(403, tooMany)
  await drop(...made)
})

test('lists: own or all projects, limit and offset', async () => {
  const names = async (query: string, as: Person = cloud.member, version = '2.74') =>
    (await cloud.request('GET', `/os-server-groups${query}`, { as, version }))
      .expect(200)
      .body.server_groups.map((g: { name: string }) => g.name)
  const ids: string[] = []
  for (const name of ['a', 'b', 'c'])
    ids.push((await make({ name, policy: 'affinity' })).expect(200).body.server_group.id)
  assert.deepEqual(await names(''), ['a', 'b', 'c'])
  assert.deepEqual(await names('?limit=2'), ['a', 'b'])
  assert.deepEqual(await names('?limit=0&offset=1'), ['b', 'c'])
  assert.deepEqual(await names('?limit=1&offset=2'), ['c'])
  assert.deepEqual(await names('?limit=99999999999999999999&offset=99999999999999999999'), [])
  assert.deepEqual(await names('?all_projects=True', cloud.stranger), [])
  assert.deepEqual(await names('', cloud.admin), [])
  assert.deepEqual(await names('?all_projects', cloud.admin), ['a', 'b', 'c'])
  assert.deepEqual(await names('?what=ever'), ['a', 'b', 'c'])
  ;(await cloud.request('GET', '/os-server-groups?what=ever', { version: '2.75' })).expect(400)
  ;(await cloud.request('GET', '/os-server-groups?limit=-1')).expect(400)
  ;(await cloud.request('GET', `/os-server-groups/${ids[0]}`, { as: cloud.stranger })).refuses(403, /:show/)
  ;(await cloud.request('DELETE', `/os-server-groups/${ids[0]}`, { as: cloud.stranger })).refuses(403, /:delete/)
  ;(await cloud.request('GET', `/os-server-groups/${ids[0]}`, { as: cloud.reader })).expect(200)
  await drop(...ids)
})

const boot = (group: string, extra: object = {}) =>
  cloud.request('POST', '/servers', { version: newest, body: bootBody(group, extra) })
const bootBody = (group: string, extra: object) => ({
  server: { name: 's', imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks: 'none', ...extra },
  'os:scheduler_hints': { group },
})

test('servers of a group: apart, shown on both sides, bounded, gone with the server', async () => {
  const { id: group } = (await make({ name: 'apart', policy: 'anti-affinity' })).expect(200).body.server_group
  const first = (await boot(group)).expect(202).body.server.id
  const second = (await boot(group)).expect(202).body.server.id
  const one = await cloud.waitForStatus(first, 'ACTIVE')
  const two = await cloud.waitForStatus(second, 'ACTIVE')
  assert.notEqual(one['OS-EXT-SRV-ATTR:host'], two['OS-EXT-SRV-ATTR:host'])
  assert.deepEqual((await show(group)).members, [first, second])
  assert.deepEqual((await cloud.server(first)).server_groups, [group])
  assert.deepEqual((await cloud.server(first)).scheduler_hints, { group })
  ;(await boot(group)).refuses(403, 'Quota exceeded, too many servers in group')
  const put = await cloud.request('PUT', `/servers/${first}`, { version: '2.71', body: { server: { name: 'n' } } })
  assert.deepEqual(put.expect(200).body.server.server_groups, [group])
  const [listed] = (await cloud.request('GET', '/servers/detail', { version: newest })).body.servers
  assert.ok(!('server_groups' in listed))
  ;(await cloud.request('DELETE', `/servers/${first}`)).expect(204)
  await cloud.waitUntilGone(first)
  assert.deepEqual((await show(group)).members, [second])
  await drop(group)
  assert.deepEqual((await cloud.server(second)).server_groups, [])
  ;(await boot(group)).refuses(400, `Instance group ${group} could not be found.`)
  ;(await cloud.request('DELETE', `/servers/${second}`)).expect(204)
  await cloud.waitUntilGone(second)
})

test('softly together, softly apart', async () => {
  for (const [policy, hosts] of [
    ['soft-affinity', 1],
    ['soft-anti-affinity', 2],
  ] as const) {
    const { id: group } = (await make({ name: policy, policy })).expect(200).body.server_group
    const ids: string[] = []
    for (const name of ['a', 'b']) {
      const { id } = (await boot(group, { name })).expect(202).body.server
      await cloud.waitForStatus(id, 'ACTIVE')
      ids.push(id)
    }
    const places = await cloud.store.instances.placesOf(ids)
    assert.equal(new Set(places.map(place => place.host)).size, hosts, policy)
    for (const id of ids) {
      ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
      await cloud.waitUntilGone(id)
    }
    await drop(group)
  }
})

test('members are counted exactly, whoever comes at once', async () => {
  const { id: group } = (await make({ name: 'full', policy: 'soft-affinity' })).expect(200).body.server_group
  const answers = await Promise.all([1, 2, 3, 4].map(() => boot(group)))
  const made = answers.filter(answer => answer.status === 202).map(answer => answer.body.server.id)
  assert.equal(made.length, 2)
  for (const answer of answers.filter(answer => answer.status !== 202))
    answer.refuses(403, 'Quota exceeded, too many servers in group')
  assert.deepEqual((await show(group)).members.toSorted(), made.toSorted())
  for (const id of made) {
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
  }
  await drop(group)
})

test('a request for several is answered with all or none', async () => {
  const { id: group } = (await make({ name: 'many', policy: 'anti-affinity' })).expect(200).body.server_group
  const { reservation_id } = (await boot(group, { min_count: 2, return_reservation_id: true })).expect(202).body
  const listed = async (id: string) =>
    (await cloud.request('GET', `/servers/detail?reservation_id=${id}`, { as: cloud.member })).body.servers
  const names = (await listed(reservation_id)).map((s: { name: string }) => s.name).sort()
  assert.deepEqual(names, ['s-1', 's-2'])
  for (const { id } of await listed(reservation_id)) {
    await cloud.waitForStatus(id, 'ACTIVE')
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
  }
  const huge = await cloud.newFlavor({ name: 'huge', disk: 700 })
  const body = bootBody(group, { flavorRef: huge, min_count: 3, return_reservation_id: true })
  const failed = (await cloud.request('POST', '/servers', { version: newest, body: { server: body.server } })).expect(
    202,
  )
  for (const { id } of await listed(failed.body.reservation_id)) {
    const server = await cloud.waitForStatus(id, 'ERROR')
    assert.match(server.fault.message, /^No valid host was found\. There are not enough hosts available\./)
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
  }
  await drop(group)
})

test('several servers are told apart by number, as many as the quota has room for', async () => {
  const { projectId, userId } = cloud.member
  const limit = async (instances: number) =>
    (
      await cloud.request('PUT', `/os-quota-sets/${projectId}?user_id=${userId}`, {
        as: cloud.admin,
        body: { quota_set: { instances } },
      })
    ).expect(200)
  const many = async (name: string) => {
    const { server } = bootBody('', { name, min_count: 1, max_count: 3, return_reservation_id: true })
    const { reservation_id } = (await cloud.request('POST', '/servers', { version: newest, body: { server } })).body
    const listed = await cloud.request('GET', `/servers/detail?reservation_id=${reservation_id}`, { version: newest })
    const { servers } = listed.body
    for (const { id } of servers) {
      await cloud.waitForStatus(id, 'ACTIVE')
      ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
      await cloud.waitUntilGone(id)
    }
    return servers.map((s: Record<string, string>) => [s['name'], s['OS-EXT-SRV-ATTR:hostname']]).sort()
  }
  await limit(1)
  assert.deepEqual(await many('Just One'), [['Just One', 'just-one']])
  await limit(2)
  assert.deepEqual(await many('Two'), [
    ['Two-1', 'two-1'],
    ['Two-2', 'two-2'],
  ])
})
