import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { HypervisorError, power } from '#virt'
import { type ApiCloud, type Person, startCloud } from './harness.ts'
import { anImage } from './images.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
})
after(() => cloud.close())

const act = (body: unknown, as: Person = cloud.member, version = '2.1') =>
  cloud.request('POST', `/servers/${id}/action`, { as, version, body })
const guestPower = async () => (await cloud.driver.guest(instanceId(id)).state()).power

const go = async (action: string, status: string, body: unknown = null) => {
  assert.equal((await act({ [action]: body })).expect(202).text, '')
  await cloud.waitForStatus(id, status)
}

test('stop, start, pause, unpause: the guest does what the record says', async () => {
  await go('os-stop', 'SHUTOFF')
  assert.equal(await guestPower(), power.shutdown)
  assert.equal((await cloud.server(id))['OS-EXT-STS:power_state'], 4)
  await go('os-start', 'ACTIVE')
  assert.equal(await guestPower(), power.running)
  await go('pause', 'PAUSED')
  assert.equal(await guestPower(), power.paused)
  await go('unpause', 'ACTIVE')
  assert.equal(await guestPower(), power.running)
})

const boots = async () => {
  const { output } = (await act({ 'os-getConsoleOutput': {} })).expect(200).body
  return Number(/boot-count (\d+)/.exec(output)?.[1])
}

test('reboot, soft and hard; a console of some lines', async () => {
  const before = await boots()
  await go('reboot', 'ACTIVE', { type: 'SOFT' })
  await go('reboot', 'ACTIVE', { type: 'HARD' })
  assert.ok((await boots()) > before)
  const short = (await act({ 'os-getConsoleOutput': { length: '2' } })).expect(200).body.output
  assert.equal(short.split('\n').length, 2)
  ;(await act({ reboot: { type: 'GENTLE' } })).expect(400)
  await go('os-stop', 'SHUTOFF')
  await go('reboot', 'ACTIVE', { type: 'HARD' })
})

/** What each state refuses, with Nova's name of the action. */
const refused: readonly (readonly [status: string, vmState: string, ...actions: (readonly [object, string])[]])[] = [
  [
    'SHUTOFF',
    'stopped',
    [{ 'os-stop': null }, 'stop'],
    [{ pause: null }, 'pause'],
    [{ unpause: null }, 'unpause'],
    [{ reboot: { type: 'SOFT' } }, 'reboot'],
  ],
  ['ACTIVE', 'active', [{ 'os-start': null }, 'start'], [{ unpause: null }, 'unpause']],
  [
    'PAUSED',
    'paused',
    [{ 'os-start': null }, 'start'],
    [{ 'os-stop': null }, 'stop'],
    [{ pause: null }, 'pause'],
    [{ reboot: { type: 'SOFT' } }, 'reboot'],
  ],
]
const ways: Readonly<Record<string, readonly string[]>> = {
  SHUTOFF: ['os-stop', 'os-start'],
  ACTIVE: [],
  PAUSED: ['pause', 'unpause'],
}
for (const [status, vmState, ...actions] of refused) {
  test(`what a server that is ${status} refuses`, async () => {
    const [there, back] = ways[status] ?? []
    if (there !== undefined) await go(there, status)
    for (const [body, word] of actions) {
      const answer = await act(body)
      answer.refuses(409, `Cannot '${word}' instance ${id} while it is in vm_state ${vmState}`)
      assert.equal(answer.fault.name, 'conflictingRequest')
    }
    if (back !== undefined) await go(back, 'ACTIVE')
  })
}

test('a lock refuses its owner, not an administrator; 2.73 tells why', async () => {
  ;(await act({ lock: { locked_reason: 'no' } }, cloud.member, '2.72')).expect(202)
  assert.deepEqual(await locks(), [true, null])
  ;(await act({ unlock: null })).expect(202)
  ;(await act({ lock: { locked_reason: 'in use' } }, cloud.member, '2.73')).expect(202)
  assert.deepEqual(await locks(), [true, 'in use'])
  for (const body of [{ 'os-stop': null }, { pause: null }, { reboot: { type: 'HARD' } }])
    (await act(body)).refuses(409, `Instance ${id} is locked`)
  ;(await cloud.request('DELETE', `/servers/${id}`)).refuses(409, `Instance ${id} is locked`)
  ;(await act({ pause: null }, cloud.admin)).expect(202)
  await cloud.waitForStatus(id, 'PAUSED')
  ;(await act({ unlock: null })).expect(202)
  assert.deepEqual(await locks(), [false, null])
  await go('unpause', 'ACTIVE')
  ;(await act({ lock: null }, cloud.admin)).expect(202)
  ;(await act({ unlock: null })).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be performed.",
  )
  ;(await act({ unlock: null }, cloud.admin)).expect(202)
})
const locks = async () => {
  const { locked, locked_reason } = await cloud.server(id)
  return [locked, locked_reason]
}

test('reset the state', async () => {
  ;(await act({ 'os-resetState': { state: 'error' } })).refuses(403, /os-admin-actions:reset_state/)
  ;(await act({ 'os-resetState': { state: 'paused' } }, cloud.admin)).expect(400)
  ;(await act({ 'os-resetState': { state: 'error' } }, cloud.admin)).expect(202)
  assert.equal((await cloud.server(id)).status, 'ERROR')
  ;(await act({ 'os-resetState': { state: 'active' } }, cloud.admin)).expect(202)
  assert.equal((await cloud.server(id)).status, 'ACTIVE')
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`)).body
  assert.equal(instanceActions[0].action, 'resetState')
})

test('an operation that the host refuses leaves the state as it was', async () => {
  cloud.driver.failNext('pause', HypervisorError({ operation: 'pause', reason: 'stuck' }))
  ;(await act({ pause: null })).expect(202)
  const server = await cloud.waitForStatus(id, 'ACTIVE')
  assert.ok(!('fault' in server))
  await go('pause', 'PAUSED')
  await go('unpause', 'ACTIVE')
})

test('words that are no action', async () => {
  ;(await act({ dance: null })).refuses(400, 'There is no such action: dance')
  ;(await act({})).refuses(400, 'Malformed request body')
  ;(await act({ pause: null, unpause: null })).refuses(400, 'Malformed request body')
  ;(await act('{')).refuses(400, 'Malformed request body')
})

test('who may act', async () => {
  ;(await act({ pause: null }, cloud.reader)).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-pause-server:pause to be performed.",
  )
  ;(await act({ pause: null }, cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  ;(await cloud.request('DELETE', `/servers/${id}`, { as: cloud.stranger })).expect(404)
})

test('delete: once, from any state, with everything it had', async () => {
  const ports = async () => (await cloud.neutron('GET', `/ports?device_id=${id}`)).ports
  assert.equal((await ports()).length, 1)
  await go('pause', 'PAUSED')
  const answers = await Promise.all([1, 2, 3].map(() => cloud.request('DELETE', `/servers/${id}`)))
  assert.ok(answers.every(a => a.status === 204 || a.status === 404))
  await cloud.waitUntilGone(id)
  assert.deepEqual(await ports(), [])
  assert.equal((await cloud.driver.guest(instanceId(id)).state()).exists, false)
  ;(await cloud.request('DELETE', `/servers/${id}`)).refuses(404, `Instance ${id} could not be found.`)
  ;(await act({ pause: null })).refuses(404, `Instance ${id} could not be found.`)
})

test('an image says how long its guest may take to shut down, else the operator', async () => {
  const wasAsked = async (properties: Readonly<Record<string, string>>) => {
    const imageRef = await anImage(cloud, 'shutdown', properties)
    const other = await cloud.bootServer({ fields: { imageRef } })
    await cloud.request('POST', `/servers/${other}/action`, { body: { 'os-stop': null } })
    await cloud.waitForStatus(other, 'SHUTOFF')
    return cloud.driver.recordOf(instanceId(other))?.wasShutDown
  }
  assert.equal(await wasAsked({}), true)
  assert.equal(await wasAsked({ os_shutdown_timeout: '5' }), true)
  assert.equal(await wasAsked({ os_shutdown_timeout: '0' }), false)
})
