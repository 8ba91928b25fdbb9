import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let ids: string[] = []
before(async () => {
  cloud = await startCloud()
  for (const name of ['a', 'b']) ids.push(await cloud.bootServer({ name }))
  ids.push(await cloud.bootServer({ name: 'foreign', as: cloud.admin }))
  // The member's servers have been there since noon, the other one for an hour.
  const at = (hour: number) => Date.UTC(2020, 0, 1, hour)
  const now = Date.now()
  const live = (id: string, launchedAtMs: number, terminatedAtMs: number | null) =>
    cloud.store.instances.change(instanceId(id), { launchedAtMs, terminatedAtMs }, now)
  await live(ids[0] ?? '', at(12), null)
  await live(ids[1] ?? '', at(12), at(14))
  await live(ids[2] ?? '', at(13), at(14))
  ids = [...ids.slice(0, 2).sort(), ...ids.slice(2)]
})
after(() => cloud.close())

const ask = (path: string, version = newest, as = cloud.admin) =>
  cloud.request('GET', `/os-simple-tenant-usage${path}`, { version, as })
const day = 'start=2020-01-01T00:00:00&end=2020-01-01T15:00:00'
const own = async (query: string, version = newest): Promise<Json> =>
  (await ask(`/${cloud.member.projectId}?${query}`, version)).expect(200).body.tenant_usage

test('hours count what of the period a server was there', async () => {
  const usage = await own(day)
  assert.deepEqual(Object.keys(usage).sort(), [
    'server_usages',
    'start',
    'stop',
    'tenant_id',
    'total_hours',
    'total_local_gb_usage',
    'total_memory_mb_usage',
    'total_vcpus_usage',
  ])
  assert.deepEqual([usage.start, usage.stop], ['2020-01-01T00:00:00.000000', '2020-01-01T15:00:00.000000'])
  assert.deepEqual(
    [usage.total_hours, usage.total_vcpus_usage, usage.total_memory_mb_usage, usage.total_local_gb_usage],
    [5, 5, 640, 5],
  )
  assert.equal((await own('start=2020-01-01T13:30:00&end=2020-01-01T13:45:00')).total_hours, 0.5)
})

test('one server in detail', async () => {
  const { server_usages } = await own(day)
  const { uptime, ...ended } = server_usages.find((u: Json) => u.state === 'terminated')
  assert.deepEqual(ended, {
    instance_id: ended.instance_id,
    name: 'b',
    tenant_id: cloud.member.projectId,
    flavor: 'm1.test',
    hours: 2,
    memory_mb: 128,
    local_gb: 1,
    vcpus: 1,
    started_at: '2020-01-01T12:00:00.000000',
    ended_at: '2020-01-01T14:00:00.000000',
    state: 'terminated',
  })
  assert.equal(uptime, 7200)
  const running = server_usages.find((u: Json) => u.name === 'a')
  assert.deepEqual([running.state, running.ended_at, running.hours], ['active', null, 3])
  assert.ok(running.uptime > 5 * 365 * 86_400)
})

test('the list of all projects has servers only when asked for', async () => {
  const { tenant_usages: plain } = (await ask(`?${day}`)).expect(200).body
  assert.deepEqual(
    new Map(plain.map((u: Json) => [u.tenant_id, u.total_hours])),
    new Map([
      [cloud.member.projectId, 5],
      [cloud.admin.projectId, 1],
    ]),
  )
  assert.ok(plain.every((u: Json) => !('server_usages' in u)))
  const { tenant_usages: detailed } = (await ask(`?${day}&detailed=1`)).expect(200).body
  assert.deepEqual(detailed.map((u: Json) => u.server_usages.length).sort(), [1, 2])
})

test('who was not there has an empty object', async () => {
  assert.deepEqual(await own('start=2019-01-01T00:00:00&end=2019-02-01T00:00:00'), {})
  assert.deepEqual((await ask('?start=2019-01-01T00:00:00&end=2019-02-01T00:00:00')).body, { tenant_usages: [] })
})

test('times in the three forms of Nova, and no others', async () => {
  for (const start of ['2020-01-01T00:00:00', '2020-01-01T00:00:00.5', '2020-1-1 00:00:00.000001']) {
    await ask(`?start=${encodeURIComponent(start)}&end=2020-01-02T00:00:00`).then(a => a.expect(200))
  }
  const exact = await own('start=2020-01-01T12:00:00.123456&end=2020-01-01%2013:00:00.0')
  assert.deepEqual([exact.start, exact.stop], ['2020-01-01T12:00:00.123456', '2020-01-01T13:00:00.000000'])
  for (const start of ['2020-01-01', '2020-01-01 00:00:00', '2020-02-30T00:00:00', '2020-01-01T00:00:00Z', 'today']) {
    const answer = await ask(`?start=${encodeURIComponent(start)}`)
    answer.refuses(400, 'Invalid datetime string: Datetime is in invalid format')
  }
  const reversed = await ask('?start=2020-01-02T00:00:00&end=2020-01-01T00:00:00')
  reversed.refuses(400, 'Invalid start time. The start time cannot occur after the end time.')
})

test('the end is now unless it is given, and never later', async () => {
  await ask('').then(a => a.expect(200))
  const { stop } = await own('start=2020-01-01T00:00:00&end=2999-01-01T00:00:00')
  assert.ok(stop < '2999')
})

test('pages since 2.40, by server', async () => {
  const path = `/${cloud.member.projectId}?${day}&limit=1`
  const old = (await ask(path, '2.39')).expect(200).body
  assert.equal(old.tenant_usage.server_usages.length, 2)
  assert.ok(!('tenant_usage_links' in old))
  const first = (await ask(path, '2.40')).expect(200).body
  assert.deepEqual(
    first.tenant_usage.server_usages.map((u: Json) => u.instance_id),
    [ids[0]],
  )
  const { href } = first.tenant_usage_links[0]
  assert.ok(href.includes(`/os-simple-tenant-usage/${cloud.member.projectId}?`), href)
  assert.ok(href.endsWith(`&limit=1&start=2020-01-01T00%3A00%3A00&marker=${ids[0]}`), href)
  const second = (await cloud.request('GET', href.slice(cloud.url.length), { version: '2.40', as: cloud.admin })).body
  assert.deepEqual(
    second.tenant_usage.server_usages.map((u: Json) => u.instance_id),
    [ids[1]],
  )
  const { body } = await ask(`?${day}&limit=3`, '2.40')
  assert.match(body.tenant_usages_links[0].href, /\/os-simple-tenant-usage\?.*marker=[0-9a-f-]{36}/)
  const unknown = await ask(`?${day}&marker=nothing`, '2.40')
  unknown.refuses(400, 'Marker nothing could not be found.')
})

test('unknown parameters are refused from 2.75 on', async () => {
  await ask(`?${day}&colour=red`, '2.74').then(a => a.expect(200))
  await ask(`?${day}&colour=red`, '2.75').then(a => a.refuses(400, /colour/))
})

test('one sees the own project only', async () => {
  await ask(`/${cloud.member.projectId}`, newest, cloud.reader).then(a => a.expect(200))
  await ask(`/${cloud.member.projectId}`, newest, cloud.stranger).then(a => a.expect(403))
  await ask('', newest, cloud.member).then(a => a.expect(403))
})
