import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HypervisorUnavailable } from '#virt'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'] })
  await cloud.bootServer({ version: newest, as: cloud.admin, fields: { host: 'one' } })
})
after(() => cloud.close())

const ask = (method: string, path: string, version = '2.42', body?: unknown) =>
  cloud.request(method, `/os-hosts${path}`, { version, as: cloud.admin, ...(body === undefined ? {} : { body }) })

test('the list names hosts with service and zone; a zone narrows it', async () => {
  const { hosts } = (await ask('GET', '', '2.1')).expect(200).body
  assert.deepEqual(hosts.map((h: Json) => h.service).sort(), ['compute', 'compute', 'conductor', 'scheduler'])
  const inside = (await ask('GET', '?zone=nova')).expect(200).body.hosts
  assert.deepEqual(inside, [
    { host_name: 'one', service: 'compute', zone: 'nova' },
    { host_name: 'two', service: 'compute', zone: 'nova' },
  ])
})

test('a host shows totals, usage and shares of projects', async () => {
  const { host } = (await ask('GET', '/one')).expect(200).body
  const row = (project: string, cpu: number, memory_mb: number, disk_gb: number) => ({
    resource: { host: 'one', project, cpu, memory_mb, disk_gb },
  })
  assert.deepEqual(host, [
    row('(total)', 64, 65_536, 1000),
    row('(used_now)', 1, 640, 1),
    row('(used_max)', 1, 128, 1),
    row(cloud.admin.projectId, 1, 128, 1),
  ])
})

test('a status is that of the compute service', async () => {
  const disabled = await ask('PUT', '/two', '2.42', { status: 'Disable' })
  assert.deepEqual(disabled.expect(200).body, { host: 'two', status: 'disabled' })
  const [service] = (await cloud.request('GET', '/os-services?host=two', { as: cloud.admin })).body.services
  assert.equal(service.status, 'disabled')
  const enabled = await ask('PUT', '/two', '2.42', { status: 'enable' })
  assert.deepEqual(enabled.expect(200).body, { host: 'two', status: 'enabled' })
})

test('a host whose hypervisor can switch it', async () => {
  const machine = cloud.drivers.get('two')?.machine
  const act = async (action: string) => {
    assert.deepEqual((await ask('GET', `/two/${action}`)).expect(200).body, { host: 'two', power_action: action })
    return machine?.uptime()
  }
  assert.equal(await act('shutdown'), null)
  assert.match(String(await act('startup')), /up/)
  assert.match(String(await act('reboot')), /up/)
  const both = await ask('PUT', '/two', '2.42', { status: 'enable', maintenance_mode: 'enable' })
  assert.deepEqual(both.expect(200).body, { host: 'two', status: 'enabled', maintenance_mode: 'on_maintenance' })
  assert.equal(machine?.isInMaintenance, true)
  const off = await ask('PUT', '/two', '2.42', { maintenance_mode: 'Disable' })
  assert.deepEqual(off.expect(200).body, { host: 'two', maintenance_mode: 'off_maintenance' })
  assert.equal(machine?.isInMaintenance, false)
})

test('and one that does not answer', async () => {
  cloud.drivers.get('two')?.failNext('machine', HypervisorUnavailable({ reason: 'gone' }))
  await ask('GET', '/two/reboot').then(a => a.refuses(400, 'Compute service of two is unavailable at this time.'))
})

test('unknown hosts and bad bodies', async () => {
  const words = "Host 'nowhere' is not mapped to any cell"
  await ask('GET', '/nowhere').then(a => a.refuses(404, words))
  await ask('GET', '/nowhere/reboot').then(a => a.refuses(404, words))
  await ask('PUT', '/nowhere', '2.42', { status: 'enable' }).then(a => a.refuses(404, words))
  for (const body of [{}, { status: 'on' }, { status: 'enable', colour: 'red' }]) {
    await ask('PUT', '/two', '2.42', body).then(a => a.expect(400))
  }
})

test('all of it is gone in 2.43', async () => {
  for (const path of ['', '/one', '/one/reboot', '/one/shutdown', '/one/startup']) {
    await ask('GET', path, '2.43').then(a => a.expect(404))
  }
  await ask('PUT', '/one', '2.43', { status: 'enable' }).then(a => a.expect(404))
})
