import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { HypervisorError, ShareMountError } from '#virt'
import { type ApiCloud, type Ask, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ quotas: { instances: 50, cores: 50 } })
})
after(() => cloud.close())

const at = (id: string, method: string, path = '', ask: Ask = {}) =>
  cloud.request(method, `/servers/${id}/shares${path}`, { version: newest, ...ask })
const act = (id: string, action: string, body: unknown = null, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, body: { [action]: body }, ...ask })

const stoppedServer = async () => {
  const id = await cloud.bootServer()
  ;(await act(id, 'os-stop')).expect(202)
  await cloud.waitForStatus(id, 'SHUTOFF')
  return id
}
const shareIs = (id: string, share: string, status: string) =>
  waitFor(
    `share ${share} to be ${status}`,
    async () => {
      const { body } = (await at(id, 'GET', `/${share}`, { as: cloud.admin })).expect(200)
      return body.share.status === status ? body.share : undefined
    },
    { deadlineMs: 60_000, everyMs: 5 },
  )
const isDetached = (id: string, share: string) =>
  waitFor(
    `share ${share} to be detached`,
    async () => ((await at(id, 'GET', `/${share}`)).status === 404 ? true : undefined),
    { deadlineMs: 60_000, everyMs: 5 },
  )
const attach = async (id: string, share: string, more: object = {}) => {
  ;(await at(id, 'POST', '', { body: { share: { share_id: share, ...more } } })).expect(201)
  return shareIs(id, share, 'inactive')
}
const turn = async (id: string, action: 'os-start' | 'os-stop') => {
  ;(await act(id, action)).expect(202)
  await cloud.waitForStatus(id, action === 'os-start' ? 'ACTIVE' : 'SHUTOFF')
}
const rules = async (share: string) =>
  (await cloud.manila('GET', `/share-access-rules?share_id=${share}`)).access_list as readonly { access_to: string }[]
const mounted = (id: string) => cloud.driver.recordOf(instanceId(id))?.mounted ?? []

describe('shares of servers', () => {
  test('a share is given to a server that is off, had when it is on, and taken away when it is off again', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare({ name: 'files' })
    const body = { share: { share_id: share, tag: 'data' } }
    const made = (await at(id, 'POST', '', { body })).expect(201).body.share
    assert.deepEqual(made, { share_id: share, status: 'attaching', tag: 'data' })
    const { uuid, export_location, ...seen } = await shareIs(id, share, 'inactive')
    assert.deepEqual(seen, { share_id: share, status: 'inactive', tag: 'data' })
    assert.match(uuid, /^[0-9a-f-]{36}$/)
    assert.match(export_location, /\/shares\/share-/)
    assert.deepEqual(mounted(id), [])
    assert.deepEqual((await at(id, 'GET')).expect(200).body.shares, [seen])
    // Nova has locked its rule: its owner sees that there is one, not for whom, and cannot take it away.
    const [rule] = await rules(share)
    assert.equal(rule?.access_to, '******')
    await turn(id, 'os-start')
    assert.equal((await shareIs(id, share, 'active')).tag, 'data')
    assert.deepEqual(mounted(id), [share])
    ;(await at(id, 'DELETE', `/${share}`)).refuses(
      409,
      `Cannot 'delete share' instance ${id} while it is in vm_state active`,
    )
    ;(await act(id, 'reboot', { type: 'HARD' })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal((await shareIs(id, share, 'active')).status, 'active')
    await turn(id, 'os-stop')
    await shareIs(id, share, 'inactive')
    assert.deepEqual(mounted(id), [])
    ;(await at(id, 'DELETE', `/${share}`)).expect(200)
    await isDetached(id, share)
    assert.deepEqual(await rules(share), [])
    const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`, { version: newest }))
      .body
    const actions = instanceActions.map((a: { action: string }) => a.action)
    assert.deepEqual(actions.slice(0, 1).concat(actions.slice(-3)), ['detach_share', 'attach_share', 'stop', 'create'])
  })

  test('a server that is deleted gives its shares back, also without its host’s word', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    await attach(id, share)
    await turn(id, 'os-start')
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
    assert.deepEqual(await rules(share), [])
    assert.deepEqual(await cloud.store.serverShares.of(id), [])
    await cloud.manila('DELETE', `/shares/${share}`)
  })

  test('a guest that goes off by itself lets go of its shares', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    await attach(id, share)
    await turn(id, 'os-start')
    cloud.driver.shutDownFromWithin(instanceId(id))
    await shareIs(id, share, 'inactive')
    await waitFor('the mount to go', () => (mounted(id).length === 0 ? true : undefined), { deadlineMs: 60_000 })
  })

  test('of two servers with one share, the first to let go leaves it open for the other', async () => {
    const [one, two] = [await stoppedServer(), await stoppedServer()]
    const share = await cloud.newShare()
    await attach(one, share)
    await attach(two, share)
    assert.equal((await rules(share)).length, 1)
    ;(await at(one, 'DELETE', `/${share}`)).expect(200)
    await isDetached(one, share)
    assert.equal((await rules(share)).length, 1)
    ;(await at(two, 'DELETE', `/${share}`)).expect(200)
    await isDetached(two, share)
    assert.deepEqual(await rules(share), [])
  })

  test('refusals: whose share, which state, twice, tags, versions, rights', async () => {
    const active = await cloud.bootServer()
    const id = await stoppedServer()
    const [share, other] = [await cloud.newShare(), await cloud.newShare()]
    const body = { share: { share_id: share, tag: 'data' } }
    const post = (of: object, ask: Ask = {}) => at(id, 'POST', '', { body: { share: of }, ...ask })
    ;(await at(active, 'POST', '', { body })).refuses(
      409,
      `Cannot 'create share' instance ${active} while it is in vm_state active`,
    )
    ;(await at(id, 'GET', '', { version: '2.96' })).expect(404)
    ;(await at(id, 'GET', '?limit=1')).expect(400)
    ;(await at(id, 'GET', `/${share}`)).refuses(404, `Share ${share} could not be found.`)
    ;(await at(id, 'DELETE', `/${share}`)).refuses(404, `Share ${share} could not be found.`)
    ;(await post({ share_id: 'x' })).expect(400)
    ;(await post({ share_id: share, tag: 'a b' })).expect(400)
    ;(await post({ share_id: share, tag: '' })).expect(400)
    const nowhere = newUuid()
    ;(await post({ share_id: nowhere })).refuses(404, `Share ${nowhere} could not be found.`)
    const strangers = await cloud.newShare({}, cloud.stranger)
    ;(await post({ share_id: strangers })).refuses(404, `Share ${strangers} could not be found.`)
    ;(await post(body.share, { as: cloud.reader })).expect(403)
    ;(await post(body.share, { as: cloud.stranger })).expect(404)
    await attach(id, share, { tag: 'data' })
    const already = (which: string, tag: string) =>
      `Share '${which}' or tag '${tag}' already associated to this server.`
    ;(await post({ share_id: share, tag: 'again' })).refuses(409, already(share, 'again'))
    ;(await post({ share_id: other, tag: 'data' })).refuses(409, already(other, 'data'))
    await cloud.manila('POST', `/shares/${other}/action`, { reset_status: { status: 'error' } }, cloud.admin)
    ;(await post({ share_id: other })).refuses(409, `Share ${other} is in 'error' instead of 'available' status.`)
  })

  test('of many at once that give one share, one is taken', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => at(id, 'POST', '', { body: { share: { share_id: share } } })),
    )
    assert.deepEqual(answers.map(a => a.status).sort(), [201, 409, 409, 409, 409, 409, 409, 409])
    await shareIs(id, share, 'inactive')
  })

  test('what takes the guest off its host is refused before lock and state', async () => {
    const id = await stoppedServer()
    await attach(id, await cloud.newShare())
    await turn(id, 'os-start')
    ;(await act(id, 'lock')).expect(202)
    const asked: readonly [string, unknown][] = [
      ['resize', { flavorRef: await cloud.newFlavor({ name: 'bigger', ram: 256 }) }],
      ['rebuild', { imageRef: cloud.imageId }],
      ['shelve', null],
      ['suspend', null],
    ]
    for (const [name, body] of asked)
      (await act(id, name, body)).refuses(409, 'Feature not supported with instances that have shares.')
    const moves: readonly [string, unknown][] = [
      ['migrate', null],
      ['os-migrateLive', { host: null, block_migration: 'auto' }],
      ['evacuate', {}],
    ]
    for (const [name, body] of moves)
      (await act(id, name, body, { as: cloud.admin })).refuses(
        409,
        'Feature not supported with instances that have shares.',
      )
  })

  test('a share that cannot be mounted leaves server and share in error; a hard reboot mends both', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    await attach(id, share)
    cloud.driver.failNext('mountShare', ShareMountError({ shareId: share, id, reason: 'nobody answers' }))
    ;(await act(id, 'os-start')).expect(202)
    const failed = await cloud.waitForStatus(id, 'ERROR')
    assert.match(failed.fault.message, /mount error from server/)
    await shareIs(id, share, 'error')
    ;(await act(id, 'reboot', { type: 'HARD' })).expect(202)
    // It is in error until it runs.
    const isBack = async () => (await cloud.server(id)).status === 'ACTIVE' || undefined
    await waitFor('the server to run', isBack, { deadlineMs: 60_000 })
    await cloud.waitForStatus(id, 'ACTIVE')
    await shareIs(id, share, 'active')
  })

  test('a start that fails over something else leaves the share as it was, and nothing mounted', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    await attach(id, share)
    cloud.driver.failNext('start', HypervisorError({ operation: 'start', reason: 'no memory' }))
    ;(await act(id, 'os-start')).expect(202)
    await cloud.waitForStatus(id, 'SHUTOFF')
    await shareIs(id, share, 'inactive')
    assert.deepEqual(mounted(id), [])
  })

  test('a share that goes in the share service does not hold the server', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    const { export_location } = await attach(id, share)
    // Not by its API, which refuses as long as Nova has locked it.
    const refused = cloud.manila('DELETE', `/shares/${share}`)
    await assert.rejects(refused, /409/)
    rmSync(export_location, { recursive: true })
    ;(await at(id, 'DELETE', `/${share}`)).expect(200)
    await isDetached(id, share)
  })

  test('the metadata names the shares that the guest has', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    await attach(id, share, { tag: 'docs' })
    const { instanceMetadata } = await import('../../src/metadata/store-source.ts')
    const devices = async () => (await instanceMetadata(cloud.store, 'nova', id))?.devices
    assert.deepEqual(await devices(), [])
    await turn(id, 'os-start')
    await shareIs(id, share, 'active')
    assert.deepEqual(await devices(), [
      { kind: 'share', shareId: share, tag: 'docs', bus: 'none', address: null, tags: [] },
    ])
  })
})

describe('a host without shared memory', () => {
  test('is not for shares', async () => {
    const id = await stoppedServer()
    const share = await cloud.newShare()
    const [node] = await cloud.store.computeNodes.list()
    assert.ok(node !== undefined)
    const traits = await cloud.placement.port.traits(node.uuid)
    const body = { share: { share_id: share } }
    await cloud.placement.port.setTraits(
      node.uuid,
      traits.filter(t => t !== 'COMPUTE_MEM_BACKING_FILE'),
    )
    ;(await at(id, 'POST', '', { body })).refuses(
      409,
      'Feature not supported because either compute or instance are not configured correctly.',
    )
    await cloud.placement.port.setTraits(node.uuid, traits)
    await attach(id, share)
  })
})
