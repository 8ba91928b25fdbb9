import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { auditUsage } from '../../src/conductor/reconcilers/usage-audit.ts'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'], settings: { usageAuditPeriod: 'hour' } })
})
after(() => cloud.close())

const path = '/os-instance_usage_audit_log'
const get = (tail = '', ask = {}) => cloud.request('GET', `${path}${tail}`, { as: cloud.admin, ...ask })

test('no audit has run: the hosts are there, the log is empty', async () => {
  const { instance_usage_audit_log: found } = (await get('/2026-01-31%2012:30:00')).expect(200).body
  assert.deepEqual(found, {
    period_beginning: '2026-01-31 11:00:00',
    period_ending: '2026-01-31 12:00:00',
    num_hosts: 2,
    num_hosts_done: 0,
    num_hosts_running: 0,
    num_hosts_not_run: 2,
    hosts_not_run: ['one', 'two'],
    total_instances: 0,
    total_errors: 0,
    overall_status: '0 of 2 hosts done. 0 errors.',
    log: {},
  })
})

test('an audit tells of each host what it ran, once per period', async () => {
  const id = await cloud.bootServer()
  const { store, deps } = cloud
  const server = await store.instances.get(id)
  const hourMs = 3_600_000
  await store.instances.change(server.id, { launchedAtMs: deps.clock.now() - 2 * hourMs }, deps.clock.now())
  const conductor = { store, clock: deps.clock, log: deps.log } as Parameters<typeof auditUsage>[0]
  await auditUsage(conductor, 'hour')
  await auditUsage(conductor, 'hour')
  const { instance_usage_audit_logs: found } = (await get()).expect(200).body
  assert.equal(found.overall_status, 'ALL hosts done. 0 errors.')
  assert.deepEqual([found.num_hosts_done, found.num_hosts_not_run, found.total_instances], [2, 0, 1])
  const host = server.host ?? ''
  const { message, ...counted } = found.log[host]
  assert.deepEqual(counted, { state: 'DONE', instances: 1, errors: 0 })
  assert.match(message, new RegExp(`^Instance usage audit ran for host ${host}, 1 instances in [0-9.]+ seconds.$`))
})

test('what is no time, who may ask, what may be asked', async () => {
  ;(await get('/yesterday')).refuses(400, 'Invalid timestamp for date yesterday')
  ;(await get('/2026-02-30%2000:00:00')).refuses(400, 'Invalid timestamp for date 2026-02-30 00:00:00')
  ;(await get('/2026-02-03%2004:05:06.789')).expect(200)
  ;(await get('', { as: cloud.member })).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-instance-usage-audit-log:list to be performed.",
  )
  ;(await get('/x', { as: cloud.member })).expect(403)
  ;(await get('?x=1', { version: '2.101' })).expect(200)
  ;(await get('?x=1', { version: newest })).expect(400)
})
