import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { HypervisorError } from '#virt'
import { type ApiCloud, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
  for (const [action, status] of [
    ['os-stop', 'SHUTOFF'],
    ['os-start', 'ACTIVE'],
  ] as const) {
    ;(await cloud.request('POST', `/servers/${id}/action`, { body: { [action]: null } })).expect(202)
    await cloud.waitForStatus(id, status)
  }
})
after(() => cloud.close())

const get = (path: string, version: string, as = cloud.member) =>
  cloud.request('GET', `/servers/${id}/os-instance-actions${path}`, { version, as })
const actions = async (query = '', version = '2.58'): Promise<Json[]> =>
  (await get(query, version)).expect(200).body.instanceActions
const requestIdOf = async (action: string): Promise<string> =>
  (await actions()).find(a => a.action === action).request_id

const base = ['action', 'instance_uuid', 'message', 'project_id', 'request_id', 'start_time', 'user_id']
const eventBase = ['event', 'finish_time', 'result', 'start_time']

test('the log, newest first', async () => {
  const found = await actions()
  assert.deepEqual(
    found.map(a => a.action),
    ['start', 'stop', 'create'],
  )
  const [start] = found
  assert.equal(start.instance_uuid, id)
  assert.equal(start.user_id, cloud.member.userId)
  assert.equal(start.project_id, cloud.member.projectId)
  assert.equal(start.message, null)
  assert.match(start.start_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.deepEqual(Object.keys(start).sort(), [...base, 'updated_at'].sort())
  assert.deepEqual(Object.keys((await actions('', '2.57'))[0]).sort(), base)
})

test('one action at every cut, for its owner and for an administrator', async () => {
  const requestId = await requestIdOf('stop')
  const keys = async (version: string, as = cloud.member) => {
    const { events, ...rest } = (await get(`/${requestId}`, version, as)).expect(200).body.instanceAction
    return { action: Object.keys(rest).sort(), event: events === undefined ? undefined : Object.keys(events[0]).sort() }
  }
  const { admin } = cloud
  const since258 = [...base, 'updated_at'].sort()
  const owned = [...eventBase, 'hostId'].sort()
  const whole = [...owned, 'host', 'traceback'].sort()
  assert.deepEqual(await keys('2.50'), { action: base, event: undefined })
  assert.deepEqual(await keys('2.1', admin), { action: base, event: [...eventBase, 'traceback'] })
  assert.deepEqual(await keys('2.51'), { action: base, event: eventBase })
  assert.deepEqual(await keys('2.58'), { action: since258, event: eventBase })
  assert.deepEqual(await keys('2.62'), { action: since258, event: owned })
  assert.deepEqual(await keys('2.83', admin), { action: since258, event: whole })
  assert.deepEqual(await keys('2.84'), { action: since258, event: owned })
  assert.deepEqual(await keys('2.84', admin), { action: since258, event: [...whole, 'details'].sort() })
})

test('an event says what happened where', async () => {
  const path = `/${await requestIdOf('stop')}`
  const [event] = (await get(path, '2.84', cloud.admin)).body.instanceAction.events
  const { event: name, result, host, hostId, traceback, details } = event
  const hash = createHash('sha224').update(`${cloud.member.projectId}host-1`).digest('hex')
  assert.deepEqual(
    { name, result, host, hostId, traceback, details },
    { name: 'compute_stop_instance', result: 'Success', host: 'host-1', hostId: hash, traceback: null, details: null },
  )
  assert.ok(event.finish_time >= event.start_time)
})

test('a failure marks the action', async () => {
  cloud.driver.failNext('stop', HypervisorError({ operation: 'stop', reason: 'the cable is loose' }))
  const asked = await cloud.request('POST', `/servers/${id}/action`, { body: { 'os-stop': null } })
  const path = `/${asked.expect(202).headers.get('x-openstack-request-id')}`
  const action = await waitFor(
    'the action to fail',
    async () => {
      const { instanceAction } = (await get(path, '2.84', cloud.admin)).expect(200).body
      return instanceAction.message === null ? undefined : instanceAction
    },
    { deadlineMs: 60_000 },
  )
  assert.equal(action.message, 'Error')
  assert.equal(action.events[0].result, 'Error')
  assert.match(action.events[0].details, /the cable is loose/)
  assert.equal(typeof action.events[0].traceback, 'string')
  const [seen] = (await get(path, '2.84')).body.instanceAction.events
  assert.ok(!('traceback' in seen) && !('details' in seen) && !('host' in seen))
})

test('2.58: pages and periods', async () => {
  const everything = await actions()
  const first = (await get('?limit=2', '2.58')).expect(200).body
  assert.equal(first.instanceActions.length, 2)
  const marker = first.instanceActions[1].request_id
  assert.deepEqual(first.links, [
    { rel: 'next', href: `${cloud.url}/v2.1/servers/${id}/os-instance-actions?limit=2&marker=${marker}` },
  ])
  const rest = (await get(`?limit=100&marker=${marker}`, '2.58')).expect(200).body
  assert.deepEqual(
    [...first.instanceActions, ...rest.instanceActions].map(a => a.request_id),
    everything.map(a => a.request_id),
  )
  assert.ok(!('links' in rest))
  ;(await get('?marker=nothing', '2.58')).refuses(400, 'Marker nothing could not be found.')
  const [newest] = everything
  const since = await actions(`?changes-since=${newest.updated_at}`, '2.66')
  assert.deepEqual(
    since.map(a => a.request_id),
    [newest.request_id],
  )
  assert.deepEqual(await actions('?changes-before=2000-01-01T00:00:00Z', '2.66'), [])
  ;(await get('?changes-since=2020-01-02T00:00:00Z&changes-before=2020-01-01T00:00:00Z', '2.66')).refuses(
    400,
    'The value of changes-since must be less than or equal to changes-before.',
  )
  ;(await get('?changes-before=2000-01-01T00:00:00Z', '2.65')).refuses(400, /'changes-before' was unexpected/)
  ;(await get('?limit=1&limit=2', '2.58')).expect(400)
  assert.equal((await actions('?limit=1&foo=bar', '2.57')).length, everything.length)
})

test('2.21: the log outlives the server', async () => {
  const gone = await cloud.bootServer()
  ;(await cloud.request('DELETE', `/servers/${gone}`)).expect(204)
  await cloud.waitUntilGone(gone)
  const path = `/servers/${gone}/os-instance-actions`
  ;(await cloud.request('GET', path, { version: '2.20' })).refuses(404, `Instance ${gone} could not be found.`)
  const log = (await cloud.request('GET', path, { version: '2.21' })).expect(200).body.instanceActions
  assert.deepEqual(
    log.map((a: Json) => a.action),
    ['delete', 'create'],
  )
  const one = await cloud.request('GET', `${path}/${log[0].request_id}`, { version: '2.84' })
  assert.equal(one.expect(200).body.instanceAction.events[0].event, 'compute_terminate_instance')
})

test('what is not there, and who may not look', async () => {
  ;(await get('/req-x', '2.1')).refuses(404, 'Action req-x not found')
  ;(await get('', '2.1', cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  ;(await get('', '2.1', cloud.reader)).expect(200)
  ;(await get(`/${await requestIdOf('stop')}?x=1`, '2.101')).expect(200)
  ;(await get(`/${await requestIdOf('stop')}?x=1`, '2.102')).expect(400)
})
