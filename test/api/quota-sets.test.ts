import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Json, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
  await cloud.bootServer()
})
after(() => cloud.close())

const lasting = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  metadata_items: 128,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
}
const files = { injected_files: 5, injected_file_content_bytes: 10_240, injected_file_path_bytes: 255 }
const network = { fixed_ips: -1, floating_ips: -1, security_groups: -1, security_group_rules: -1 }

const ask = (method: string, path: string, version = newest, quota?: Json, as: Person = cloud.admin) =>
  cloud.request(method, `/os-quota-sets/${path}`, {
    version,
    as,
    ...(quota === undefined ? {} : { body: { quota_set: quota } }),
  })
const read = async (path: string, version = newest): Promise<Json> =>
  (await ask('GET', path, version)).expect(200).body.quota_set
const set = async (path: string, quota: Json, version = newest): Promise<Json> =>
  (await ask('PUT', path, version, quota)).expect(200).body.quota_set

for (const [version, expected] of [
  ['2.1', { ...lasting, ...files, ...network }],
  ['2.36', { ...lasting, ...files }],
  ['2.57', lasting],
] as const) {
  test(`the keys of ${version}: show, defaults, detail and update`, async () => {
    const { projectId: id } = cloud.stranger
    assert.deepEqual(await read(id, version), { id, ...expected })
    assert.deepEqual(await read(`${id}/defaults`, version), { id, ...expected })
    const details = Object.entries(expected).map(([name, limit]) => [name, { limit, in_use: 0, reserved: 0 }])
    assert.deepEqual(await read(`${id}/detail`, version), { id, ...Object.fromEntries(details) })
    assert.deepEqual(await set(id, {}, version), expected)
  })
}

test('details count what is used, by project and by user', async () => {
  const { projectId } = cloud.member
  const whole = await read(`${projectId}/detail`)
  assert.deepEqual(
    [whole.instances.in_use, whole.cores.in_use, whole.ram.in_use, whole.key_pairs.in_use],
    [1, 1, 128, 0],
  )
  assert.equal((await read(`${projectId}/detail?user_id=${cloud.member.userId}`)).instances.in_use, 1)
  assert.equal((await read(`${projectId}/detail?user_id=${cloud.reader.userId}`)).instances.in_use, 0)
})

test('limits are set, hold, and go with a delete', async () => {
  const { projectId } = await cloud.add('keeper', 'member')
  assert.deepEqual(await set(projectId, { cores: '3', instances: -1 }), { ...lasting, cores: 3, instances: -1 })
  assert.deepEqual(await read(projectId), { id: projectId, ...lasting, cores: 3, instances: -1 })
  assert.deepEqual(await read(`${projectId}/defaults`), { id: projectId, ...lasting })
  assert.equal((await ask('DELETE', projectId)).expect(202).text, '')
  assert.deepEqual(await read(projectId), { id: projectId, ...lasting })
})

test('a limit below what is used needs force', async () => {
  const { projectId } = cloud.member
  const refused = await ask('PUT', projectId, newest, { cores: 30, instances: 0 })
  refused.refuses(400, 'Quota limit 0 for instances must be greater than or equal to already used and reserved 1.')
  assert.equal((await read(projectId)).cores, 20)
  assert.equal((await set(projectId, { instances: 0, force: 'True' })).instances, 0)
  await ask('DELETE', projectId).then(a => a.expect(202))
})

test('users share what the project has', async () => {
  const { projectId, userId } = await cloud.add('sharer', 'member')
  const other = await cloud.add('other', 'member', projectId)
  const mine = `${projectId}?user_id=${userId}`
  assert.equal((await set(mine, { cores: 15 })).cores, 15)
  assert.equal((await read(mine)).cores, 15)
  assert.equal((await read(projectId)).cores, 20)
  const greedy = await ask('PUT', `${projectId}?user_id=${other.userId}`, newest, { cores: 6 })
  greedy.refuses(400, 'Quota limit 6 for cores must be less than or equal to 5.')
  const shrunk = await ask('PUT', projectId, newest, { cores: 14 })
  shrunk.refuses(400, 'Quota limit 14 for cores must be greater than or equal to already used and reserved 15.')
  assert.equal((await set(mine, { cores: 20 })).cores, 20)
  await ask('DELETE', mine).then(a => a.expect(202))
  assert.equal((await read(mine)).cores, 20)
  assert.equal((await set(projectId, { cores: 14 })).cores, 14)
  assert.equal((await read(mine)).cores, 14)
})

test('a user cannot have his own number of floating IPs', async () => {
  const { projectId, userId } = await cloud.add('floater', 'member')
  await set(`${projectId}?user_id=${userId}`, { floating_ips: 7 }, '2.35')
  assert.equal((await read(projectId, '2.35')).floating_ips, 7)
})

test('limits that a version does not know are refused', async () => {
  const { projectId } = cloud.stranger
  for (const [version, name] of [
    ['2.36', 'floating_ips'],
    ['2.36', 'security_groups'],
    ['2.57', 'injected_files'],
    ['2.1', 'networks'],
  ] as const) {
    await ask('PUT', projectId, version, { [name]: 1 }).then(a => a.refuses(400, new RegExp(name)))
  }
  for (const value of [-2, 2 ** 31, 'many', 1.5, null]) {
    await ask('PUT', projectId, newest, { cores: value }).then(a => a.expect(400))
  }
  await ask('PUT', `${projectId}?colour=red`, '2.74', {}).then(a => a.expect(200))
  await ask('PUT', `${projectId}?colour=red`, '2.75', {}).then(a => a.refuses(400, /colour/))
})

test('the project must exist', async () => {
  for (const [method, path, quota] of [
    ['GET', 'nobody', undefined],
    ['GET', 'nobody/detail', undefined],
    ['GET', 'nobody/defaults', undefined],
    ['PUT', 'nobody', { cores: 1 }],
  ] as const) {
    const answer = await ask(method, path, newest, quota)
    answer.refuses(400, 'Project ID nobody is not a valid project.')
  }
  await ask('DELETE', 'nobody').then(a => a.expect(202))
})

test('one sees the own project only', async () => {
  const own = await ask('GET', cloud.member.projectId, newest, undefined, cloud.reader)
  own.expect(200)
  const foreign = await ask('GET', cloud.member.projectId, newest, undefined, cloud.stranger)
  foreign.refuses(403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.")
})

test('a lowered limit refuses the next server', async () => {
  const { projectId } = cloud.member
  await set(projectId, { instances: 1 })
  const server = { name: 'too many', imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks: 'none' }
  const refused = await cloud.request('POST', '/servers', { version: newest, body: { server } })
  refused.refuses(403, 'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances')
  await ask('DELETE', projectId).then(a => a.expect(202))
})

const classes = (method: string, id: string, version = newest, quota?: Json) =>
  cloud.request(method, `/os-quota-class-sets/${id}`, {
    version,
    as: cloud.admin,
    ...(quota === undefined ? {} : { body: { quota_class_set: quota } }),
  })

for (const [version, expected] of [
  ['2.1', { ...lasting, ...files, ...network }],
  ['2.50', { ...lasting, ...files }],
  ['2.57', lasting],
] as const) {
  test(`the keys of a class at ${version}`, async () => {
    const isGroups = (name: string): boolean => name.startsWith('server_group')
    const names = Object.entries(expected).filter(([name]) => version !== '2.1' || !isGroups(name))
    const shown = Object.fromEntries(names)
    const { body } = (await classes('GET', 'some', version)).expect(200)
    assert.deepEqual(body, { quota_class_set: { id: 'some', ...shown } })
    const changed = (await classes('PUT', 'some', version, {})).expect(200).body
    assert.deepEqual(changed, { quota_class_set: shown })
  })
}

test('the class default replaces the defaults, other classes nothing', async () => {
  const { projectId } = await cloud.add('default', 'member')
  await classes('PUT', 'gold', newest, { cores: 1000 }).then(a => a.expect(200))
  assert.equal((await classes('GET', 'gold')).body.quota_class_set.cores, 1000)
  assert.equal((await read(projectId)).cores, 20)
  await classes('PUT', 'default', newest, { cores: 40 }).then(a => a.expect(200))
  assert.equal((await read(projectId)).cores, 40)
  assert.equal((await read(`${projectId}/defaults`)).cores, 40)
  await classes('PUT', 'default', newest, { cores: 20 }).then(a => a.expect(200))
})

test('what a class refuses', async () => {
  await classes('PUT', 'default', '2.50', { floating_ips: 1 }).then(a => a.refuses(400, /floating_ips/))
  await classes('PUT', 'default', '2.49', { floating_ips: -1, server_groups: 10 }).then(a => a.expect(200))
  await classes('PUT', 'default', '2.57', { injected_files: 1 }).then(a => a.refuses(400, /injected_files/))
  const long = await classes('PUT', 'x'.repeat(256), newest, {})
  long.refuses(400, 'quota_class_name has 256 characters, more than 255.')
  await classes('GET', 'default?colour=red', newest).then(a => a.refuses(400, /colour/))
  await classes('GET', 'default?colour=red', '2.101').then(a => a.expect(200))
})
