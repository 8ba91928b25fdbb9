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
