/** Requests of other cells that are carried out here: what is done when a nova-cells ends in the middle of one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createComputeApi } from '#api'
import { newRequestId, newUuid, silentLog, systemClock, waitFor } from '#base'
import type { FarRequest } from '#bus'
import { CellAnswerLost } from '#cells'
import type { FarReply } from '#model'
import { Enforcer, novaDefaults } from '#policy'
import { KeptExecution } from '../../src/cells/requests/kept-execution.ts'
import { type LocalApi, localApi } from '../../src/cells/requests/local-api.ts'
import { Traces } from '../../src/cells/requests/traces.ts'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
let dead: LocalApi
let next: LocalApi
let execution: KeptExecution

const openApi = (owner: string): LocalApi =>
  localApi(seams => {
    const identity = seams.identity(cloud.deps.identity)
    const policy = new Enforcer({ defaults: novaDefaults, log: silentLog, clock: systemClock })
    return createComputeApi({ deps: { ...cloud.deps, store: seams.store(cloud.store), identity }, identity, policy })
  }, owner)

before(async () => {
  cloud = await startCloud({ quotas: { instances: -1, cores: -1, ram: -1 } })
  dead = openApi('dead')
  next = openApi('next')
  const traces = new Traces({ stores: async () => [cloud.store], api: next, ownName: 'far', showsAdminPassword: true })
  const parts = { store: cloud.store, api: next, traces, owner: 'next', clock: systemClock, log: silentLog }
  execution = new KeptExecution(parts)
})
after(async () => {
  await dead?.close()
  await next?.close()
  await cloud?.close()
})

const requestOf = async (method: FarRequest['method'], path: string, body?: unknown): Promise<FarRequest> => ({
  id: newUuid(),
  method,
  path,
  body,
  microversion: '2.90',
  caller: await cloud.deps.identity.validate(cloud.member.token),
  host: 'nova.test:8774',
  requestId: newRequestId(),
})

/** What a nova-cells has done that was killed before it kept the answer; its lease is over. */
async function begunByTheDead(request: FarRequest, isDone = true): Promise<FarReply | undefined> {
  const { id, requestId } = request
  const begunAtMs = Date.now()
  await cloud.store.novaCells.requests.begin({ id, requestId, owner: 'dead', leaseUntilMs: begunAtMs - 1, begunAtMs })
  return isDone ? dead.run(request, true) : undefined
}

const body = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  server: {
    name,
    imageRef: cloud.imageId,
    flavorRef: cloud.flavorId,
    networks: [{ uuid: cloud.networkId }],
    adminPass: 'as asked for',
    ...more,
  },
})
const create = (name: string, more?: Readonly<Record<string, unknown>>) =>
  requestOf('POST', '/servers', body(name, more))

const called = async (name: string): Promise<number> =>
  (await cloud.store.instances.list({ filter: { deleted: 'any' } })).filter(one => one.displayName.startsWith(name))
    .length

test('a create that is done is answered as it was, and not done again', async () => {
  const request = await create('done')
  const lost = await begunByTheDead(request)
  const reply = await execution.run(request)
  assert.equal(reply.status, 202)
  assert.deepEqual(reply.body, lost?.body)
  assert.equal(reply.headers['location'], lost?.headers['location'])
  assert.match(reply.headers['location'] ?? '', /^http:\/\/nova\.test:8774\/v2\.1\/servers\//)
  assert.equal(await called('done'), 1)
  // From now on it is kept.
  assert.deepEqual(await execution.run(request), reply)
})

test('several servers of one request, and their reservation', async () => {
  const many = await create('many', { min_count: 3 })
  const lost = await begunByTheDead(many)
  assert.deepEqual((await execution.run(many)).body, lost?.body)
  assert.equal(await called('many'), 3)
  const reserved = await create('reserved', { return_reservation_id: true, min_count: 2 })
  const answer = await begunByTheDead(reserved)
  assert.deepEqual((await execution.run(reserved)).body, answer?.body)
  assert.equal(await called('reserved'), 2)
})

test('a create that has only been begun is carried out', async () => {
  const request = await create('begun')
  await begunByTheDead(request, false)
  assert.equal((await execution.run(request)).status, 202)
  assert.equal(await called('begun'), 1)
})

test('whoever has lost a request writes nothing more', async () => {
  const request = await create('lost')
  await begunByTheDead(request, false)
  assert.equal((await execution.run(request)).status, 202)
  const late = await dead.run(request, true)
  assert.ok(late.status >= 500, String(late.status))
  assert.equal(await called('lost'), 1)
})

test('actions and deletes leave their traces, too', async () => {
  const id = await cloud.bootServer({ name: 'acted' })
  const act = (action: unknown) => requestOf('POST', `/servers/${id}/action`, action)
  const actionsOf = async (name: string) =>
    (await cloud.store.actions.list(id))?.filter(action => action.action === name).length

  const stop = await act({ 'os-stop': null })
  const lost = await begunByTheDead(stop)
  assert.deepEqual(await execution.run(stop).then(({ status }) => status), lost?.status)
  assert.equal(await actionsOf('stop'), 1)
  await cloud.waitForStatus(id, 'SHUTOFF')

  const image = await act({ createImage: { name: 'picture' } })
  await begunByTheDead(image)
  await assert.rejects(execution.run(image), (error: unknown) => {
    assert.ok(CellAnswerLost.is(error))
    assert.match(error.message, /createImage was carried out in cell far/)
    return true
  })
  await waitFor(
    'the snapshot to be over',
    async () => ((await cloud.server(id))['OS-EXT-STS:task_state'] === null ? true : undefined),
    { deadlineMs: 20_000 },
  )

  const remove = await requestOf('DELETE', `/servers/${id}`)
  await begunByTheDead(remove)
  assert.equal((await execution.run(remove)).status, 204)
  await cloud.waitUntilGone(id)
})

test('what leaves no trace may be done twice', async () => {
  const id = await cloud.bootServer({ name: 'tagged' })
  const request = await requestOf('PUT', `/servers/${id}/tags/blue`)
  const lost = await begunByTheDead(request)
  assert.equal(lost?.status, 201)
  assert.equal((await execution.run(request)).status, 204)
})

test('the same request at the same time is one', async () => {
  const request = await create('at once')
  const [one, two] = await Promise.all([execution.run(request), execution.run(request)])
  assert.deepEqual(one, two)
  assert.equal(await called('at once'), 1)
})

test('what it writes down is found by the request id of the client', async () => {
  const request = await create('traced')
  const reply = await execution.run(request)
  assert.equal(reply.headers['x-openstack-request-id'], request.requestId)
  const { id } = (reply.body as { server: { id: string } }).server
  assert.ok((await cloud.store.actions.find(id, request.requestId)) !== undefined)
})

test('policy and tokens are those of the caller that the message names', async () => {
  const request = await requestOf('GET', '/os-hypervisors')
  assert.equal((await execution.run(request)).status, 403)
  const admin = await cloud.deps.identity.validate(cloud.admin.token)
  assert.equal((await execution.run({ ...request, caller: admin })).status, 200)
})
