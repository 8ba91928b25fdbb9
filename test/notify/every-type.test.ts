/** Every declared type is heard by a listener of oslo.messaging when its time comes, and nothing else is. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { events } from '#notify'
import { type HeardCloud, startHeardCloud } from './cloud.ts'
import { dataOf } from './listener.ts'
import { checkNotification } from './samples.ts'
import { hosts, Scenarios } from './scenarios.ts'

let heard: HeardCloud
let scenarios: Scenarios
let id: string
/** A server of which nothing special is asked. */
let plain: string
before(async () => {
  heard = await startHeardCloud(
    {
      notification_format: 'versioned',
      notify_on_state_change: 'vm_and_task_state',
      bdms_in_notifications: true,
      include_share_mapping: true,
    },
    {
      hosts,
      quotas: { instances: 50, cores: -1 },
      settings: { reclaimMs: 3_600_000 },
      config: {
        DEFAULT: {
          volume_usage_poll_interval: 1,
          compute_monitors: ['cpu.virt_driver'],
          reclaim_instance_interval: 3600,
        },
      },
    },
  )
  scenarios = new Scenarios(heard.cloud)
})
after(() => heard?.close())

test('a server from its build to its end, in order', async () => {
  const { cloud, listener } = heard
  plain = await cloud.bootServer()
  await scenarios.remove(plain)
  const last = await listener.heard('instance.delete.end', plain)
  assert.equal(dataOf(last.payload).state, 'deleted')
  assert.deepEqual(
    listener.types(plain).filter(type => type !== 'instance.update'),
    [
      'scheduler.select_destinations.start',
      'scheduler.select_destinations.end',
      'instance.create.start',
      'instance.create.end',
      'instance.delete.start',
      'instance.shutdown.start',
      'instance.shutdown.end',
      'instance.delete.end',
    ],
  )
  const created = await listener.heard('instance.create.end', plain)
  assert.equal(created.priority, 'info')
  assert.match(created.publisher_id, /^nova-compute:(one|two|three)$/)
  const { state, task_state, power_state, action_initiator_user, request_id } = dataOf(created.payload)
  assert.deepEqual([state, task_state, power_state], ['active', null, 'running'])
  assert.equal(action_initiator_user, cloud.member.userId)
  assert.equal(created.context['request_id'], request_id)
})

test('changes of state carry what was before', async () => {
  const { listener } = heard
  const updates = listener
    .of(plain)
    .filter(n => n.event_type === 'instance.update')
    .map(n => dataOf(dataOf(n.payload).state_update))
    .map(s => [s.old_state, s.state, s.old_task_state, s.new_task_state])
  assert.deepEqual(updates, [
    ['building', 'building', 'scheduling', 'scheduling'],
    ['building', 'building', 'scheduling', 'networking'],
    ['building', 'building', 'networking', 'spawning'],
    ['building', 'active', 'spawning', 'spawning'],
    ['active', 'active', 'spawning', null],
    ['active', 'active', null, 'deleting'],
    ['active', 'deleted', 'deleting', null],
  ])
})

describe('everything a cloud can be asked for', () => {
  test('key pairs, flavors, aggregates, groups', async () => {
    await scenarios.keypairs()
    await scenarios.flavors()
    await scenarios.aggregates()
    await scenarios.groups()
  })
  test('builds that fail', () => scenarios.failedBuilds())
  test('one server, and what is done to it where it is', async () => {
    const fields = { key_name: 'made', tags: ['told'], adminPass: 'the admin password', user_data: 'bXkgc2VjcmV0' }
    id = await heard.cloud.bootServer({ fields })
    await scenarios.power(id)
    await scenarios.images(id)
    await scenarios.interfaces(id)
    await scenarios.volumes(id)
  })
  test('moves', async () => {
    await scenarios.resizes(id)
    await scenarios.liveMigrations(id)
    await scenarios.evacuation(id)
    await scenarios.remove(id)
  })
  test('shares', () => scenarios.shares())
  test('a delete that is taken back', () => scenarios.softDelete())
  test('a host that ends', () => scenarios.hostEnds(hosts[2]))
})

test('every declared type is heard, and none that is not declared', async () => {
  const { listener } = heard
  await listener.heard('service.delete')
  await listener.heard('volume.usage')
  const types = new Set(listener.types())
  const declared = Object.keys(events)
  assert.deepEqual(
    declared.filter(type => !types.has(type)),
    [],
    'declared, and told by nobody',
  )
  assert.deepEqual(
    [...types].filter(type => !declared.includes(type)),
    [],
    'told, and not declared',
  )
})

test('each has the names, versions, fields and types of Nova', () => {
  for (const notification of heard.listener.all) checkNotification(notification)
})

test('what is secret is in none of them', () => {
  const all = JSON.stringify(heard.listener.all)
  for (const secret of ['the admin password', 'bXkgc2VjcmV0', heard.cloud.member.token])
    assert.ok(!all.includes(secret))
})

test('each says who has asked, and once only', () => {
  const ids = heard.listener.all.map(({ metadata }) => metadata.message_id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { event_type: type, payload, context } of heard.listener.of(id)) {
    const { action_initiator_user: user, request_id: request } = dataOf(payload)
    if (user === undefined || user === null) continue
    assert.ok([heard.cloud.member.userId, heard.cloud.admin.userId].includes(user), type)
    assert.equal(context['request_id'], request)
  }
})

test('what begins ends or fails', () => {
  const types = heard.listener.types(id).filter(type => type.startsWith('instance.'))
  const count = (name: string) => types.filter(type => type === name).length
  for (const begun of new Set(types.filter(type => type.endsWith('.start')))) {
    const action = begun.slice(0, -'.start'.length)
    assert.equal(count(begun), count(`${action}.end`) + count(`${action}.error`), action)
  }
})
