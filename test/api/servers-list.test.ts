import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Ask, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
const ids: Record<string, string> = {}
const nameOf = (id: string): string => Object.entries(ids).find(([, known]) => known === id)?.[0] ?? id
let flavor: string
let startedAt: string

before(async () => {
  startedAt = new Date(Date.now() - 60_000).toISOString()
  cloud = await startCloud({ settings: { maxLimit: 4 } })
  flavor = await cloud.newFlavor({ name: 'm1.other', ram: 64 })
  const { networkId, stranger } = cloud
  const boot = async (name: string, fields: Readonly<Record<string, unknown>>, as = cloud.member) => {
    ids[name] = await cloud.bootServer({ name, fields, as })
  }
  await boot('web-1', { tags: ['red', 'blue'], networks: [{ uuid: networkId, fixed_ip: '10.7.0.11' }] })
  await boot('web-2', { tags: ['red'], networks: [{ uuid: networkId, fixed_ip: '10.7.0.12' }] })
  await boot('db-1', { flavorRef: flavor, networks: 'none', description: 'a database', hostname: 'storehouse' })
  await boot('gone', { networks: 'none' })
  await boot('foreign', { networks: 'none' }, stranger)
  ;(await cloud.request('DELETE', `/servers/${ids['gone']}`)).expect(204)
  await cloud.waitUntilGone(ids['gone'] ?? '')
  const act = async (name: string, body: unknown) =>
    (await cloud.request('POST', `/servers/${ids[name]}/action`, { body })).expect(202)
  await act('web-2', { 'os-stop': null })
  await cloud.waitForStatus(ids['web-2'] ?? '', 'SHUTOFF')
  await act('db-1', { lock: null })
})
after(() => cloud.close())

const ask = (query: string, options: Ask = {}) =>
  cloud.request('GET', `/servers${query}`, { version: newest, ...options })
const names = async (query: string, options: Ask = {}): Promise<string[]> =>
  (await ask(query, options)).expect(200).body.servers.map((s: { id: string }) => nameOf(s.id))

const newestFirst = ['db-1', 'web-2', 'web-1']

/** Filters of an ordinary user: the query, the servers it finds, the version (the newest by default). */
const filters: readonly (readonly [query: string, found: readonly string[], version?: string])[] = [
  ['', newestFirst],
  ['?name=web', ['web-2', 'web-1']],
  ['?name=^web-.$', ['web-2', 'web-1']],
  ['?name=WEB', []],
  ['?status=active', ['db-1', 'web-1']],
  ['?status=SHUTOFF', ['web-2']],
  ['?status=ACTIVE&status=SHUTOFF', newestFirst],
  ['?status=nonsense', [], '2.37'],
  ['?ip=10.7.0.1', ['web-2', 'web-1']],
  ['?ip=10.7.0.12', ['web-2']],
  ['?tags=red', ['web-2', 'web-1']],
  ['?tags=red,blue', ['web-1']],
  ['?tags-any=blue,green', ['web-1']],
  ['?not-tags=red,blue', ['db-1', 'web-2']],
  ['?not-tags-any=red,blue', ['db-1']],
  ['?tags=red', newestFirst, '2.25'],
  ['?locked=true', ['db-1']],
  ['?locked=false', ['web-2', 'web-1']],
  ['?locked=true', newestFirst, '2.72'],
  ['?hostname=store', ['db-1']],
  ['?hostname=store', newestFirst, '2.89'],
  ['?vm_state=stopped', ['web-2']],
  ['?vm_state=stopped', newestFirst, '2.82'],
  ['?host=host-7', newestFirst],
  ['?deleted=true', newestFirst],
  ['?flavor=nothing', []],
]
for (const [query, found, version = newest] of filters) {
  test(`GET /servers${query} at ${version}`, async () => {
    assert.deepEqual(await names(query, { version }), found)
  })
}

test('by flavor and image', async () => {
  assert.deepEqual(await names(`?flavor=${flavor}`), ['db-1'])
  assert.deepEqual(await names(`?image=${cloud.imageId}`), newestFirst)
  assert.deepEqual(await names(`?image=${ids['db-1']}`), [])
})

test('changes-since tells of deleted servers', async () => {
  assert.deepEqual(
    await names(`?changes-since=${startedAt}`),
    ['gone', ...newestFirst].sort((a, b) => order(b) - order(a)),
  )
  assert.deepEqual(await names(`?changes-before=${startedAt}`), [])
  const [last] = (await ask('/detail')).expect(200).body.servers
  assert.ok((await names(`?changes-before=${last.updated}`)).includes(last.name))
  ;(await ask('?changes-since=2020-01-02&changes-before=2020-01-01')).refuses(
    400,
    'The value of changes-since must be less than or equal to changes-before.',
  )
})
const order = (name: string): number => Object.keys(ids).indexOf(name)

test('administrators: everybody, deleted ones, every column', async () => {
  const as = cloud.admin
  assert.deepEqual(await names('?all_tenants=1', { as }), ['foreign', ...newestFirst])
  assert.deepEqual(await names('?all_tenants=1&deleted=true', { as }), ['gone'])
  assert.deepEqual(await names('?all_tenants=1&status=deleted', { as }), ['gone'])
  assert.deepEqual(await names(`?all_tenants=1&project_id=${cloud.stranger.projectId}`, { as }), ['foreign'])
  assert.deepEqual(await names('?all_tenants=1&host=host-1&vm_state=stopped', { as }), ['web-2'])
  assert.deepEqual(await names('?all_tenants=1&host=host-2', { as }), [])
  assert.deepEqual(await names('', { as }), [])
  ;(await ask('?all_tenants=perhaps', { as })).refuses(400, /^Unrecognized value 'perhaps', acceptable values are: /)
})

test('a pattern that explodes elsewhere is looked for like any other', async () => {
  const name = 'a'.repeat(255)
  const id = await cloud.bootServer({ as: cloud.stranger, name, fields: { networks: 'none' } })
  const found = await cloud.request('GET', `/servers?name=${encodeURIComponent('^(a+)+$')}`, { as: cloud.stranger })
  assert.equal(found.expect(200).body.servers[0].id, id)
  const path = (filter: string) => `/servers?${filter}=${encodeURIComponent('((a|aa|[0-9.]+)+)+!$')}`
  for (const filter of ['name', 'ip', 'ip6', 'hostname']) {
    const none = await cloud.request('GET', path(filter), { as: cloud.stranger, version: newest })
    assert.deepEqual(none.expect(200).body.servers, [], filter)
  }
})

test('as many tags and sort keys as a URL holds', async () => {
  const many = Array.from({ length: 1500 }, (_, i) => `t${i}`).join(',')
  assert.deepEqual(await names(`?tags=${many}`), [])
  assert.deepEqual(await names(`?not-tags=${many}`), newestFirst)
  const keys = 'sort_key=display_name&sort_dir=asc&'.repeat(400)
  const all = await names(`?${keys}`)
  assert.deepEqual(all, newestFirst.toSorted())
  const [first = ''] = all
  const { servers } = (await ask(`?name=^${first}$`)).expect(200).body
  assert.deepEqual(await names(`?${keys}marker=${servers[0].id}`), all.slice(1))
})

test('what is refused', async () => {
  ;(await ask('?all_tenants=1')).refuses(
    403,
    "Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.",
  )
  ;(await ask('/detail?all_tenants=1')).refuses(403, /os_compute_api:servers:detail:get_all_tenants/)
  ;(await ask('?status=deleted')).refuses(403, 'Only administrators may list deleted instances')
  ;(await ask('?status=nonsense')).refuses(400, 'Invalid status value')
  ;(await ask('?name=[')).expect(400)
  ;(await ask('?name=(web)-\\1')).refuses(400, /is not a regular expression that can be searched for/)
  ;(await ask('?changes-since=yesterday')).expect(400)
  ;(await ask('?nonsense=1')).refuses(400, "'nonsense' does not match any of the regexes: '^_'")
  assert.deepEqual(await names('?nonsense=1', { version: '2.74' }), newestFirst)
})

test('pages: links while they are full, capped by the operator', async () => {
  const first = (await ask('?limit=2')).expect(200).body
  assert.deepEqual(
    first.servers.map((s: { name: string }) => s.name),
    ['db-1', 'web-2'],
  )
  assert.deepEqual(first.servers_links, [
    { rel: 'next', href: `${cloud.url}/v2.1/servers?limit=2&marker=${ids['web-2']}` },
  ])
  const second = (await ask(`?limit=2&marker=${ids['web-2']}`)).expect(200).body
  assert.deepEqual([second.servers.length, second.servers_links], [1, undefined])
  assert.deepEqual((await ask('?limit=0')).expect(200).body, { servers: [] })
  assert.equal((await ask('/detail?limit=1')).body.servers_links[0].href.includes('/servers/detail?'), true)
  assert.equal((await names('?all_tenants=1&limit=1000', { as: cloud.admin })).length, 4)
  ;(await ask('?limit=-1')).expect(400)
  ;(await ask('?limit=x')).expect(400)
  ;(await ask('?marker=nothing')).refuses(400, 'marker [nothing] not found')
  ;(await ask(`?marker=${ids['foreign']}`)).refuses(400, `marker [${ids['foreign']}] not found`)
})

test('every page in every order gives each server once', async () => {
  for (const sort of ['sort_key=display_name', 'sort_key=vm_state&sort_dir=asc', 'sort_key=locked', 'sort_key=uuid']) {
    const seen: string[] = []
    for (let marker = ''; ; ) {
      const [name] = await names(`?limit=1&${sort}${marker}`)
      if (name === undefined) break
      seen.push(name)
      marker = `&marker=${ids[name]}`
    }
    assert.deepEqual(seen, await names(`?${sort}`))
    assert.deepEqual([...seen].sort(), [...newestFirst].sort())
  }
})

test('sorting', async () => {
  assert.deepEqual(await names('?sort_key=display_name&sort_dir=asc'), ['db-1', 'web-1', 'web-2'])
  assert.deepEqual(await names('?sort_key=display_name'), ['web-2', 'web-1', 'db-1'])
  const byState = '?sort_key=vm_state&sort_dir=desc&sort_key=display_name&sort_dir=asc'
  assert.deepEqual(await names(byState), ['web-2', 'db-1', 'web-1'])
  ;(await ask('?sort_key=host')).refuses(403, 'Only administrators can sort servers by host, node')
  ;(await ask('?sort_key=nonsense')).expect(400)
  ;(await ask('?sort_dir=sideways')).expect(400)
})
