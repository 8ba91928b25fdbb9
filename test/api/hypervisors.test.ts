import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createComputeApi } from '#api'
import { newUuid, silentLog, systemClock } from '#base'
import { Enforcer, novaDefaults } from '#policy'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let serverId = ''
before(async () => {
  cloud = await startCloud({ hosts: ['alpha', 'beta'] })
  serverId = await cloud.bootServer({ name: 'on-alpha', version: newest, as: cloud.admin, fields: { host: 'alpha' } })
})
after(() => cloud.close())

const get = async (path: string, version = '2.1', status = 200): Promise<Json> =>
  (await cloud.request('GET', path, { version, as: cloud.admin })).expect(status).body

const summaryKeys = ['hypervisor_hostname', 'id', 'state', 'status']
const oldKeys = [
  'cpu_info',
  'current_workload',
  'disk_available_least',
  'free_disk_gb',
  'free_ram_mb',
  'local_gb',
  'local_gb_used',
  'memory_mb',
  'memory_mb_used',
  'running_vms',
  'vcpus',
  'vcpus_used',
]
const lastingKeys = [...summaryKeys, 'host_ip', 'hypervisor_type', 'hypervisor_version', 'service']
const keysOf = (thing: Json): string[] => Object.keys(thing).sort()

test('the list names each node by number, since 2.53 by uuid', async () => {
  const old = await get('/os-hypervisors')
  assert.deepEqual(keysOf(old), ['hypervisors'])
  assert.deepEqual(
    old.hypervisors.map((h: Json) => [h.id, h.hypervisor_hostname, h.state, h.status]),
    [
      [1, 'alpha', 'up', 'enabled'],
      [2, 'beta', 'up', 'enabled'],
    ],
  )
  const now = await get('/os-hypervisors', '2.53')
  assert.match(now.hypervisors[0].id, /^[0-9a-f-]{36}$/)
  assert.deepEqual(keysOf(now.hypervisors[0]), summaryKeys)
})

for (const [version, expected] of [
  ['2.1', [...lastingKeys, ...oldKeys]],
  ['2.28', [...lastingKeys, ...oldKeys]],
  ['2.53', [...lastingKeys, ...oldKeys]],
  ['2.88', [...lastingKeys, 'uptime']],
] as const) {
  test(`${version} shows exactly its keys, in the list and alone`, async () => {
    const [first] = (await get('/os-hypervisors/detail', version)).hypervisors
    assert.deepEqual(keysOf(first), [...expected].sort())
    const { hypervisor } = await get(`/os-hypervisors/${first.id}`, version)
    assert.deepEqual(hypervisor, first)
    assert.equal(typeof hypervisor.service.id, version < '2.53' ? 'number' : 'string')
  })
}

test('cpu_info is text before 2.28 and an object from then on', async () => {
  const text = (await get('/os-hypervisors/1', '2.27')).hypervisor.cpu_info
  const { cpu_info } = (await get('/os-hypervisors/1', '2.28')).hypervisor
  assert.equal(typeof cpu_info, 'object')
  assert.deepEqual(JSON.parse(text), cpu_info)
})

test('numbers count the reserve and the servers', async () => {
  const [alpha, beta] = (await get('/os-hypervisors/detail', '2.87')).hypervisors
  assert.equal(beta.memory_mb_used, 512) // reserved_host_memory_mb
  assert.equal(alpha.memory_mb_used, 512 + 128)
  assert.equal(alpha.free_ram_mb, 65_536 - 640)
  assert.deepEqual([alpha.vcpus, alpha.vcpus_used, beta.vcpus_used], [64, 1, 0])
  assert.deepEqual([alpha.local_gb, alpha.local_gb_used, alpha.free_disk_gb], [1000, 1, 999])
  assert.deepEqual([alpha.running_vms, alpha.current_workload, beta.running_vms], [1, 0, 0])
})

test('statistics add up the enabled hosts', async () => {
  const disable = (what: string) =>
    cloud.request('PUT', `/os-services/${what}`, { as: cloud.admin, body: { host: 'beta', binary: 'nova-compute' } })
  const { hypervisor_statistics: all } = await get('/os-hypervisors/statistics', '2.87')
  assert.deepEqual(keysOf(all), ['count', ...oldKeys.filter(key => key !== 'cpu_info')].sort())
  assert.deepEqual([all.count, all.vcpus, all.memory_mb_used, all.running_vms], [2, 128, 1152, 1])
  await disable('disable').then(answer => answer.expect(200))
  assert.equal((await get('/os-hypervisors/statistics')).hypervisor_statistics.count, 1)
  assert.equal((await get('/os-hypervisors')).hypervisors[1].status, 'disabled')
  await disable('enable').then(answer => answer.expect(200))
  await get('/os-hypervisors/statistics', '2.88', 404)
})

test('pages since 2.33, by number and by uuid', async () => {
  const [first, second] = (await get('/os-hypervisors', '2.53')).hypervisors
  const page = await get('/os-hypervisors?limit=1', '2.33')
  assert.equal(page.hypervisors.length, 1)
  assert.match(page.hypervisors_links[0].href, /\/os-hypervisors\?limit=1&marker=1$/)
  assert.equal((await get('/os-hypervisors/detail?limit=1&marker=1', '2.33')).hypervisors[0].id, 2)
  assert.equal((await get(`/os-hypervisors?marker=${first.id}`, '2.53')).hypervisors[0].id, second.id)
  assert.equal((await get('/os-hypervisors?limit=1', '2.32')).hypervisors.length, 2)
  assert.equal((await get('/os-hypervisors?limit=no', '2.32')).hypervisors.length, 2)
  const answer = await cloud.request('GET', '/os-hypervisors?marker=77', { version: '2.33', as: cloud.admin })
  answer.refuses(400, 'marker [77] not found')
})

test('a pattern finds by part of the name', async () => {
  const found = await get('/os-hypervisors?hypervisor_hostname_pattern=LPH', '2.53')
  assert.deepEqual(
    found.hypervisors.map((h: Json) => h.hypervisor_hostname),
    ['alpha'],
  )
  const ask = (query: string) => cloud.request('GET', `/os-hypervisors?${query}`, { version: '2.53', as: cloud.admin })
  const none = await ask('hypervisor_hostname_pattern=zeta')
  none.refuses(404, "No hypervisor matching 'zeta' could be found.")
  const paged = await ask('hypervisor_hostname_pattern=alpha&limit=1')
  paged.refuses(400, 'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.')
  const twice = await ask('with_servers=1&with_servers=0')
  twice.expect(400)
  const unknown = await ask('colour=red')
  unknown.refuses(400, /colour/)
})

test('servers are shown on request; before 2.75 no key stands for none', async () => {
  const shown = [{ name: 'instance-00000001', uuid: serverId }]
  const old = await get('/os-hypervisors?with_servers=True', '2.53')
  assert.deepEqual(old.hypervisors[0].servers, shown)
  assert.ok(!('servers' in old.hypervisors[1]))
  const now = await get('/os-hypervisors/detail?with_servers=True', '2.75')
  assert.deepEqual(now.hypervisors[0].servers, shown)
  assert.deepEqual(now.hypervisors[1].servers, [])
  const one = await get(`/os-hypervisors/${now.hypervisors[1].id}?with_servers=1`, '2.75')
  assert.deepEqual(one.hypervisor.servers, [])
  assert.ok(!('servers' in (await get(`/os-hypervisors/${now.hypervisors[1].id}`, '2.75')).hypervisor))
})

test('search and servers have routes of their own until 2.52', async () => {
  const found = await get('/os-hypervisors/a/search', '2.52')
  assert.equal(found.hypervisors.length, 2)
  const { hypervisors } = await get('/os-hypervisors/alpha/servers', '2.52')
  assert.deepEqual(hypervisors[0].servers, [{ name: 'instance-00000001', uuid: serverId }])
  assert.ok(!('servers' in (await get('/os-hypervisors/beta/servers')).hypervisors[0]))
  await get('/os-hypervisors/alpha/search', '2.53', 404)
  await get('/os-hypervisors/alpha/servers', '2.53', 404)
  const none = await cloud.request('GET', '/os-hypervisors/zeta/servers', { as: cloud.admin })
  none.refuses(404, "No hypervisor matching 'zeta' could be found.")
})

test('an unknown or malformed id', async () => {
  const ask = (id: string, version: string) =>
    cloud.request('GET', `/os-hypervisors/${id}`, { version, as: cloud.admin })
  for (const id of ['9', 'alpha']) {
    const answer = await ask(id, '2.52')
    answer.refuses(404, `Hypervisor with ID '${id}' could not be found.`)
  }
  const malformed = await ask('1', '2.53')
  malformed.refuses(400, 'Invalid uuid 1')
  const id = '00000000-0000-0000-0000-000000000000'
  const unknown = await ask(id, '2.53')
  unknown.refuses(404, `Hypervisor with ID '${id}' could not be found.`)
})

const forceDown = (host: string, forced_down: boolean) => {
  const body = { host, binary: 'nova-compute', forced_down }
  return cloud.request('PUT', '/os-services/force-down', { version: '2.11', as: cloud.admin, body })
}

/** The answer where the host says this of itself. */
async function uptimeWhere(text: string | null) {
  const { deps, admin } = cloud
  const face = createComputeApi({
    deps: { ...deps, computeOn: host => ({ ...deps.computeOn(host), uptime: async () => ({ text }) }) },
    identity: deps.identity,
    policy: new Enforcer({ defaults: novaDefaults, log: silentLog, clock: systemClock }),
  })
  const answer = await face.inject({ url: '/v2.1/os-hypervisors/1/uptime', headers: { 'x-auth-token': admin.token } })
  await face.close()
  return answer
}

test('uptime is asked of the host itself', async () => {
  const text = ' 10:20:30 up 3 days, 1 user, load average: 0.00, 0.00, 0.00'
  const answer = await uptimeWhere(text)
  assert.deepEqual(answer.json(), {
    hypervisor: { id: 1, hypervisor_hostname: 'alpha', state: 'up', status: 'enabled', uptime: text },
  })
  const { uptime } = (await get('/os-hypervisors/1/uptime')).hypervisor
  assert.match(uptime, /^ [\d:]{8} up \d+ min, {2}0 users, {2}load average: 0\.00, 0\.00, 0\.00$/)
})

test('uptime of hosts that cannot tell, are down or do not answer', async () => {
  const ask = (id: number) => cloud.request('GET', `/os-hypervisors/${id}/uptime`, { as: cloud.admin })
  const silent = await uptimeWhere(null)
  assert.equal(silent.statusCode, 501)
  assert.match(silent.body, /The requested functionality is not supported\./)
  await forceDown('beta', true).then(a => a.expect(200))
  const down = await ask(2)
  down.refuses(400, 'Compute service of beta is unavailable at this time.')
  assert.equal((await get('/os-hypervisors/2')).hypervisor.state, 'down')
  await forceDown('beta', false).then(a => a.expect(200))
  await get('/os-hypervisors/1/uptime', '2.88', 404)
  const now = Date.now()
  const { store } = cloud
  const beta = await store.computeNodes.find({ host: 'beta' })
  assert.ok(beta !== undefined)
  await store.services.register({ host: 'ghost', binary: 'nova-compute', topic: 'compute', version: 1 }, now)
  await store.computeNodes.save({ ...beta, uuid: newUuid(), host: 'ghost' }, now)
  const ghost = await ask(3)
  ghost.refuses(400, 'Compute service of ghost is unavailable at this time.')
})

test('a node without a service is not shown', async () => {
  const { store } = cloud
  const service = await store.services.find('ghost', 'nova-compute')
  assert.ok(service !== undefined)
  assert.equal((await get('/os-hypervisors')).hypervisors.length, 3)
  await store.services.delete(service)
  assert.equal((await get('/os-hypervisors')).hypervisors.length, 2)
  await get('/os-hypervisors/3', '2.1', 404)
})
