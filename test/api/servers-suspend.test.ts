import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, waitFor } from '#base'
import { HypervisorError, power } from '#virt'
import { type ApiCloud, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
})
after(() => cloud.close())

const act = (body: unknown, as: Person = cloud.member, version = newest) =>
  cloud.request('POST', `/servers/${id}/action`, { as, version, body })
const record = () => cloud.driver.recordOf(instanceId(id))
const lastAction = async () => {
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`, { as: cloud.admin }))
    .body
  const [{ request_id: request, action, message }] = instanceActions
  const path = `/servers/${id}/os-instance-actions/${request}`
  const shown = (await cloud.request('GET', path, { as: cloud.admin, version: newest })).expect(200).body.instanceAction
  return { action, message, events: shown.events.map((e: { event: string; result: string }) => [e.event, e.result]) }
}

test('suspend keeps the memory, resume goes on where it was', async () => {
  const { boots } = record() ?? {}
  ;(await act({ suspend: null }, cloud.member, '2.1')).expect(202)
  const suspended = await cloud.waitForStatus(id, 'SUSPENDED')
  assert.equal(suspended['OS-EXT-STS:vm_state'], 'suspended')
  assert.equal(suspended['OS-EXT-STS:power_state'], 7)
  assert.equal(record()?.power, power.suspended)
  assert.deepEqual(await lastAction(), {
    action: 'suspend',
    message: null,
    events: [['compute_suspend_instance', 'Success']],
  })
  ;(await act({ suspend: null })).refuses(409, `Cannot 'suspend' instance ${id} while it is in vm_state suspended`)
  ;(await act({ 'os-stop': null })).refuses(409, `Cannot 'stop' instance ${id} while it is in vm_state suspended`)
  ;(await act({ resume: null })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal(record()?.boots, boots)
  ;(await act({ resume: null })).refuses(409, `Cannot 'resume' instance ${id} while it is in vm_state active`)
})

test('a hard reboot of a suspended server boots it anew', async () => {
  const { boots = 0 } = record() ?? {}
  ;(await act({ suspend: null })).expect(202)
  await cloud.waitForStatus(id, 'SUSPENDED')
  ;(await act({ reboot: { type: 'HARD' } })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal(record()?.boots, boots + 1)
})

test('a host that fails leaves the server as it was, and the action says so', async () => {
  cloud.driver.failNext('suspend', HypervisorError({ operation: 'suspend', reason: 'no room' }))
  ;(await act({ suspend: null })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  const { action, message, events } = await lastAction()
  assert.deepEqual(
    { action, message, events },
    {
      action: 'suspend',
      message: 'Error',
      events: [['compute_suspend_instance', 'Error']],
    },
  )
})

test('who may', async () => {
  for (const action of ['suspend', 'resume']) {
    ;(await act({ [action]: null }, cloud.reader)).refuses(403, new RegExp(`os-suspend-server:${action}`))
    ;(await act({ [action]: null }, cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  }
  ;(await act({ lock: null })).expect(202)
  ;(await act({ suspend: null })).refuses(409, `Instance ${id} is locked`)
  ;(await act({ unlock: null })).expect(202)
})

test('a crash dump is asked of the guest and recorded', async () => {
  ;(await act({ trigger_crash_dump: null }, cloud.member, '2.16')).expect(404)
  ;(await act({ trigger_crash_dump: {} }, cloud.member, '2.17')).expect(400)
  ;(await act({ trigger_crash_dump: null }, cloud.member, '2.17')).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  const dumped = async () => {
    const { events } = await lastAction()
    return record()?.dumps === 1 && events[0]?.[1] === 'Success' ? events : undefined
  }
  const events = await waitFor('the dump to be recorded', dumped, { deadlineMs: 60_000 })
  assert.deepEqual(events, [['compute_trigger_crash_dump', 'Success']])
  ;(await act({ 'os-stop': null })).expect(202)
  await cloud.waitForStatus(id, 'SHUTOFF')
  ;(await act({ trigger_crash_dump: null })).refuses(
    409,
    `Cannot 'trigger_crash_dump' instance ${id} while it is in vm_state stopped`,
  )
  ;(await act({ 'os-start': null })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
})

test('injectNetworkInfo is accepted by administrators, resetNetwork is gone', async () => {
  ;(await act({ injectNetworkInfo: null }, cloud.admin)).expect(202)
  ;(await act({ injectNetworkInfo: null })).refuses(403, /os-admin-actions:inject_network_info/)
  ;(await act({ resetNetwork: null }, cloud.admin)).expect(410)
})
