/** Where nobody wants notifications they cost nothing: not a row, not a statement. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog, systemClock } from '#base'
import { InProcessBus, TransportUnusable } from '#bus'
import { type LoadOptions, loadConfig } from '#config'
import { noNotices } from '#notify'
import { openStore } from '#store'
import { StatementCounter } from '#store/engine'
import { courierFromConfig, noticesFromConfig } from '../../src/allinone/compose/notices.ts'
import { startCloud } from '../api/harness.ts'
import { freshDatabase } from '../database/index.ts'

const configured = (overrides: LoadOptions['overrides'] = {}) => loadConfig({ env: {}, overrides })
const driver = (...names: string[]): LoadOptions['overrides'] => ({ oslo_messaging_notifications: { driver: names } })

test('no driver, or one by which nothing leaves: nobody is told', () => {
  for (const overrides of [
    {},
    driver(''),
    driver('noop'),
    { notifications: { notification_format: 'both' as const } },
  ]) {
    const config = configured(overrides)
    assert.equal(noticesFromConfig({ config, clock: systemClock, log: silentLog }), noNotices)
  }
  const config = configured(driver('log'))
  assert.equal(noticesFromConfig({ config, clock: systemClock, log: silentLog }).isOn, true)
})

test('a driver that needs a broker says so where there is none', async () => {
  const store = await openStore(await freshDatabase())
  const parts = { clock: systemClock, log: silentLog, bus: new InProcessBus(), store }
  assert.throws(
    () => courierFromConfig({ ...parts, config: configured(driver('messagingv2')) }),
    error => TransportUnusable.is(error) && /oslo_messaging_notifications/.test(error.message),
  )
  assert.equal(courierFromConfig({ ...parts, config: configured(driver('noop')) }), undefined)
  assert.equal(courierFromConfig({ ...parts, config: configured(driver('nonsense')) }), undefined)
  await store.close()
})

test('a server from its build to its end asks nothing of the outbox and writes nothing into it', async () => {
  const counter = new StatementCounter()
  const cloud = await startCloud({
    config: { notifications: { notify_on_state_change: 'vm_and_task_state' } },
    counter,
  })
  try {
    const id = await cloud.bootServer()
    ;(await cloud.request('POST', `/servers/${id}/action`, { body: { pause: null } })).expect(202)
    await cloud.waitForStatus(id, 'PAUSED')
    await cloud.request('DELETE', `/servers/${id}`)
    await cloud.waitUntilGone(id)
    assert.ok(counter.count > 100)
    const ofOutbox = counter.statements.filter(text => /outbox|volume_usage/.test(text) && !text.startsWith('create '))
    assert.deepEqual(ofOutbox, [])
  } finally {
    await cloud.close()
  }
})
