/** Without versions, with both, and only what an operator wants of changes of state. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ConductorDeps } from '#conductor'
import { completedPeriod } from '#model'
import { HypervisorError } from '#virt'
import { auditUsage } from '../../src/conductor/reconcilers/usage-audit.ts'
import { newest } from '../api/harness.ts'
import { type HeardCloud, startHeardCloud } from './cloud.ts'
import { dataOf } from './listener.ts'

let heard: HeardCloud
let id: string
before(async () => {
  heard = await startHeardCloud(
    { notification_format: 'both', notify_on_state_change: 'vm_state' },
    {
      config: {
        DEFAULT: { instance_usage_audit_period: 'hour' },
        glance: { api_servers: ['http://images.test:9292'] },
      },
    },
  )
  const { cloud, listener } = heard
  id = await cloud.bootServer({ name: 'told', fields: { metadata: { color: 'red' } } })
  ;(await cloud.request('POST', `/servers/${id}/action`, { body: { pause: null } })).expect(202)
  await cloud.waitForStatus(id, 'PAUSED')
  await listener.heard('instance.pause.end', id)
  await listener.heard('compute.instance.pause.end', id)
})
after(() => heard?.close())

const without = (type: string) => heard.listener.heard(type, id)

test('the same server without versions: its usage, as Ceilometer reads it', async () => {
  const { cloud } = heard
  const told = await without('compute.instance.create.end')
  assert.equal(told.publisher_id, 'compute.host-1')
  const { created_at, launched_at, reservation_id, instance_type_id, fixed_ips, image_meta, ...rest } = told.payload
  assert.match(created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$/)
  assert.match(launched_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.match(reservation_id, /^r-/)
  assert.equal(typeof instance_type_id, 'number')
  assert.deepEqual(
    fixed_ips.map((ip: { label: string; version: number; type: string }) => [ip.label, ip.version, ip.type]),
    [['private', 4, 'fixed']],
  )
  assert.deepEqual(image_meta, {
    base_image_ref: cloud.imageId,
    container_format: 'bare',
    disk_format: 'raw',
    min_disk: '1',
    min_ram: '0',
    os_distro: 'debian',
  })
  assert.deepEqual(rest, {
    tenant_id: cloud.member.projectId,
    user_id: cloud.member.userId,
    instance_id: id,
    display_name: 'told',
    hostname: 'told',
    instance_type: 'm1.test',
    instance_flavor_id: cloud.flavorId,
    architecture: null,
    memory_mb: 128,
    disk_gb: 1,
    vcpus: 1,
    root_gb: 1,
    ephemeral_gb: 0,
    host: 'host-1',
    node: 'host-1',
    availability_zone: 'nova',
    cell_name: '',
    terminated_at: '',
    deleted_at: '',
    image_ref_url: `http://images.test:9292/images/${cloud.imageId}`,
    os_type: null,
    kernel_id: '',
    ramdisk_id: '',
    state: 'active',
    state_description: '',
    progress: 100,
    access_ip_v4: null,
    access_ip_v6: null,
    metadata: { color: 'red' },
    message: 'Success',
  })
})

test('both tell the same story', () => {
  const { listener } = heard
  const named = (isOld: boolean) =>
    listener
      .types(id)
      .filter(type => type.startsWith('compute.') === isOld && !/update$|^scheduler|^instance\.exists/.test(type))
      .map(type => type.replace('compute.', ''))
  assert.deepEqual(named(true), named(false))
  assert.ok(named(true).includes('instance.pause.start'))
})

test('of changes of state those of vm_state carry what was before; the others tell that something has changed', async () => {
  const { listener } = heard
  const updates = listener.of(id).filter(n => n.event_type === 'instance.update')
  const changes = updates
    .map(n => dataOf(dataOf(n.payload).state_update))
    .filter(s => s.old_state !== s.state || s.old_task_state !== s.new_task_state)
    .map(s => [s.old_state, s.state])
  assert.deepEqual(changes, [
    ['building', 'active'],
    ['active', 'paused'],
  ])
  const old = await without('compute.instance.update')
  for (const field of ['old_state', 'state', 'old_task_state', 'new_task_state', 'audit_period_beginning', 'bandwidth'])
    assert.ok(field in old.payload, field)
})

test('a new name is told with the old one', async () => {
  const { cloud, listener } = heard
  ;(await cloud.request('PUT', `/servers/${id}`, { version: newest, body: { server: { name: 'renamed' } } })).expect(
    200,
  )
  const isIt = (n: { payload: Record<string, unknown> }) => n.payload['old_display_name'] === 'told'
  const told = await listener.heard('compute.instance.update', id, isIt)
  assert.equal(told.payload.display_name, 'renamed')
  await listener.heard('instance.update', id, n => dataOf(n.payload).old_display_name === 'told')
})

test('what fails is an error of both', async () => {
  const { cloud, listener } = heard
  cloud.driver.failNext('spawn', HypervisorError({ operation: 'spawn', reason: 'planned' }))
  const failed = await cloud.bootServer({ status: 'ERROR' })
  const old = await listener.heard('compute.instance.create.error', failed)
  assert.equal(old.priority, 'error')
  assert.match(old.payload.message, /planned/)
  assert.match(old.payload.exception, /planned/)
  const told = await listener.heard('instance.create.error', failed)
  assert.match(dataOf(dataOf(told.payload).fault).exception_message, /planned/)
  const task = await listener.heard('compute_task.build_instances', failed)
  assert.equal(task.payload.method, 'build_instances')
})

test('key pairs, aggregates and groups without versions', async () => {
  const { cloud, listener } = heard
  const { member, admin } = cloud
  ;(await cloud.request('POST', '/os-keypairs', { body: { keypair: { name: 'k' } } })).expect(200)
  const key = await listener.heard('keypair.create.end', undefined, n => n.publisher_id.startsWith('api.'))
  assert.deepEqual(key.payload, { tenant_id: member.projectId, user_id: member.userId, key_name: 'k' })
  const made = await cloud.request('POST', '/os-aggregates', { as: admin, body: { aggregate: { name: 'a' } } })
  const { id: number } = made.expect(200).body.aggregate
  const body = { add_host: { host: 'host-1' } }
  ;(await cloud.request('POST', `/os-aggregates/${number}/action`, { as: admin, body })).expect(200)
  const joined = await listener.heard('aggregate.addhost.end')
  assert.deepEqual(
    [joined.publisher_id, joined.payload],
    [`aggregate.${number}`, { aggregate_id: number, host_name: 'host-1', name: 'a' }],
  )
})

test('an audit tells of every server that there was in the period, once', async () => {
  const { cloud, listener } = heard
  const { store, deps } = cloud
  const hourMs = 3_600_000
  const server = await store.instances.get(id)
  await store.instances.change(server.id, { launchedAtMs: deps.clock.now() - 2 * hourMs }, deps.clock.now())
  const conductor = { store, clock: deps.clock, log: deps.log, notices: deps.notices } as ConductorDeps
  await auditUsage(conductor, 'hour')
  await auditUsage(conductor, 'hour')
  const { beginMs, endMs } = completedPeriod('hour', deps.clock.now())
  const told = await listener.heard('instance.exists', id)
  const { audit_period_beginning: begin, audit_period_ending: end } = dataOf(dataOf(told.payload).audit_period)
  assert.deepEqual([Date.parse(begin), Date.parse(end)], [beginMs, endMs])
  assert.equal(told.publisher_id, 'nova-compute:host-1')
  const old = await listener.heard('compute.instance.exists', id)
  assert.deepEqual(old.payload.audit_period_beginning, `${begin.slice(0, 10)} ${begin.slice(11, 19)}`)
  // Whatever is told after it has been heard, so that a second one would have been.
  ;(await cloud.request('POST', '/os-keypairs', { body: { keypair: { name: 'last' } } })).expect(200)
  await listener.heard('keypair.create.end', undefined, n => n.payload.key_name === 'last')
  assert.equal(listener.types(id).filter(type => type === 'instance.exists').length, 1)
})
