import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'] })
  const aggregate = { name: 'east', availability_zone: 'zone-east' }
  const post = (path: string, body: unknown) => cloud.request('POST', path, { as: cloud.admin, body })
  const { id } = (await post('/os-aggregates', { aggregate })).expect(200).body.aggregate
  await post(`/os-aggregates/${id}/action`, { add_host: { host: 'two' } }).then(a => a.expect(200))
})
after(() => cloud.close())

const turn = (host: string, what: 'enable' | 'disable') =>
  cloud.request('PUT', `/os-services/${what}`, { as: cloud.admin, body: { host, binary: 'nova-compute' } })
const details = async (): Promise<Json[]> =>
  (await cloud.request('GET', '/os-availability-zone/detail', { as: cloud.admin })).expect(200).body
    .availabilityZoneInfo

test('everybody sees the zones, without hosts and without the internal one', async () => {
  const { body } = (await cloud.request('GET', '/os-availability-zone', { as: cloud.reader })).expect(200)
  assert.deepEqual(body, {
    availabilityZoneInfo: [
      { zoneName: 'nova', zoneState: { available: true }, hosts: null },
      { zoneName: 'zone-east', zoneState: { available: true }, hosts: null },
    ],
  })
})

test('details show hosts and services, the internal zone too', async () => {
  const zones = await details()
  assert.deepEqual(
    zones.map(z => z.zoneName),
    ['internal', 'nova', 'zone-east'],
  )
  const [, nova, east] = zones
  assert.deepEqual(Object.keys(nova.hosts), ['one'])
  const service = east.hosts.two['nova-compute']
  assert.deepEqual([service.available, service.active], [true, true])
  assert.match(service.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.equal(Object.keys(zones[0].hosts).length, 1)
})

test('a zone without an enabled service is not available', async () => {
  await turn('two', 'disable').then(a => a.expect(200))
  const zones = await details()
  assert.deepEqual(zones.at(-1), { zoneName: 'zone-east', zoneState: { available: false }, hosts: null })
  await turn('two', 'enable').then(a => a.expect(200))
})

test('parameters are refused from 2.102 on', async () => {
  const ask = (version: string) => cloud.request('GET', '/os-availability-zone?colour=red', { version })
  await ask('2.101').then(a => a.expect(200))
  await ask(newest).then(a => a.refuses(400, /colour/))
})
