import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type HeardCloud, startHeardCloud } from './cloud.ts'
import { dataOf } from './listener.ts'

let heard: HeardCloud
before(async () => {
  heard = await startHeardCloud({ notification_format: 'versioned', notify_on_state_change: 'vm_and_task_state' })
})
after(() => heard?.close())

test('a server from its build to its end, in order', async () => {
  const { cloud, listener } = heard
  const id = await cloud.bootServer({ fields: { user_data: Buffer.from('my secret').toString('base64') } })
  await cloud.request('DELETE', `/servers/${id}`)
  const last = await listener.heard('instance.delete.end', id)
  assert.equal(dataOf(last.payload).state, 'deleted')
  assert.deepEqual(
    listener.types(id).filter(type => type !== 'instance.update'),
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
  const created = await listener.heard('instance.create.end', id)
  assert.equal(created.priority, 'info')
  assert.equal(created.publisher_id, 'nova-compute:host-1')
  const { state, task_state, power_state, action_initiator_user, request_id } = dataOf(created.payload)
  assert.deepEqual([state, task_state, power_state], ['active', null, 'running'])
  assert.equal(action_initiator_user, cloud.member.userId)
  assert.equal(created.context['request_id'], request_id)
  assert.equal(JSON.stringify(listener.all).includes(Buffer.from('my secret').toString('base64')), false)
})

test('changes of state carry what was before', async () => {
  const { listener } = heard
  const updates = listener.all
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

test('services: made, changed, deleted', async () => {
  const { cloud, listener } = heard
  const made = await listener.heard('service.create', undefined, n => n.publisher_id === 'nova-compute:host-1')
  assert.equal(dataOf(made.payload).binary, 'nova-compute')
  const path = `/os-services/${dataOf(made.payload).uuid}`
  const body = { status: 'disabled', disabled_reason: 'maintenance' }
  ;(await cloud.request('PUT', path, { version: '2.53', as: cloud.admin, body })).expect(200)
  const changed = await listener.heard('service.update')
  assert.equal(dataOf(changed.payload).disabled_reason, 'maintenance')
  await cloud.stopHost('host-1')
  ;(await cloud.request('DELETE', path, { version: '2.53', as: cloud.admin })).expect(204)
  await listener.heard('service.delete')
})
