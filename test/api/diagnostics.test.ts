import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { HypervisorUnavailable } from '#virt'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud({ quotas: { ram: -1 } })
  id = await cloud.bootServer({ fields: { config_drive: true } })
})
after(() => cloud.close())

const get = (version: string, as = cloud.admin, path = '') =>
  cloud.request('GET', `/servers/${id}/diagnostics${path}`, { version, as })

test('2.48: the same for every hypervisor', async () => {
  const found = (await get('2.48')).expect(200).body
  const keys = ['config_drive', 'cpu_details', 'disk_details', 'driver', 'hypervisor', 'hypervisor_os']
  const counts = ['memory_details', 'nic_details', 'num_cpus', 'num_disks', 'num_nics', 'state', 'uptime']
  assert.deepEqual(Object.keys(found).sort(), [...keys, ...counts])
  assert.equal(found.state, 'running')
  assert.equal(found.config_drive, true)
  assert.deepEqual([found.num_cpus, found.num_nics, found.num_disks], [1, 1, 1])
  const { nics } = await cloud.driver.guest(instanceId(id)).diagnostics()
  const [nic] = found.nic_details
  assert.equal(nic.mac_address, nics[0]?.mac)
  assert.equal(nic.rx_rate, null)
  assert.equal(found.memory_details.maximum, 128)
})

test('before: counters by device', async () => {
  const found = (await get('2.47')).expect(200).body
  const port = (await cloud.request('GET', `/servers/${id}/os-interface`)).body.interfaceAttachments[0].port_id
  const tap = `tap${port.slice(0, 11)}`
  assert.deepEqual(
    Object.keys(found).sort(),
    [
      'cpu0_time',
      'memory',
      ...['errors', 'read', 'read_req', 'write', 'write_req'].map(key => `vda_${key}`),
      ...['rx', 'tx'].flatMap(way => ['', '_drop', '_errors', '_packets'].map(key => `${tap}_${way}${key}`)),
    ].sort(),
  )
  assert.equal(found.memory, 128 * 1024)
})

test('only of a running guest', async () => {
  ;(await cloud.request('POST', `/servers/${id}/action`, { body: { pause: null } })).expect(202)
  await cloud.waitForStatus(id, 'PAUSED')
  for (const version of ['2.1', '2.48']) {
    ;(await get(version)).refuses(409, `Cannot 'get_diagnostics' instance ${id} while it is in power state paused`)
  }
  ;(await cloud.request('POST', `/servers/${id}/action`, { body: { unpause: null } })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
})

test('a host that cannot be asked', async () => {
  cloud.driver.failNext('diagnostics', HypervisorUnavailable({ reason: 'gone' }))
  ;(await get('2.48')).refuses(409, 'Compute service of host-1 is unavailable at this time.')
})

test('a server without a host is not ready', async () => {
  const flavorRef = await cloud.newFlavor({ name: 'huge', ram: 1_000_000_000 })
  const failed = await cloud.bootServer({ as: cloud.admin, status: 'ERROR', fields: { flavorRef, networks: 'none' } })
  const answer = await cloud.request('GET', `/servers/${failed}/diagnostics`, { as: cloud.admin })
  answer.refuses(409, `Instance ${failed} is not ready`)
})

test('for administrators', async () => {
  ;(await get('2.48', cloud.member)).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-server-diagnostics to be performed.",
  )
  ;(await get('2.101', cloud.admin, '?x=1')).expect(200)
  ;(await get('2.102', cloud.admin, '?x=1')).expect(400)
})
