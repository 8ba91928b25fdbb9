import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { waitFor } from '#base'
import { distributedContract } from '../bin/distributed.contract.ts'
import { Broker } from './broker.ts'

let broker: Broker | undefined
after(() => broker?.close())

const open = async () => {
  broker = await Broker.start()
  return { url: broker.url() }
}

distributedContract('RabbitMQ', open, (_cloud, user) => {
  test('RabbitMQ: killed and started during a mixed load: every operation ends as it was asked', async () => {
    const before = await user().servers()
    const [stopped, rebooted, deleted] = [before.slice(0, 4), before.slice(4, 8), before.slice(8)]
    const asked = [
      user().boot('load', 10),
      ...stopped.map(({ id }) => user().act(id, { 'os-stop': null })),
      ...rebooted.map(({ id }) => user().act(id, { reboot: { type: 'HARD' } })),
      ...deleted.map(({ id }) => user().call('DELETE', `/servers/${id}`)),
    ]
    await Promise.all(asked)
    const isBusy = async () => (await user().servers()).some(s => s['OS-EXT-STS:task_state'] !== null)
    await waitFor('the work to begin', async () => (await isBusy()) || undefined, { deadlineMs: 10_000, everyMs: 10 })
    await broker?.kill()
    // Accepted while the broker is away.
    await user().boot('meanwhile', 3)
    await broker?.run()
    const isOff = (id: string) => stopped.some(s => s.id === id)
    await user().all(
      before.length - deleted.length + 13,
      s => s['OS-EXT-STS:task_state'] === null && s.status === (isOff(s.id) ? 'SHUTOFF' : 'ACTIVE'),
    )
    await user().assertNothingLeftOver()
    assert.ok(deleted.length > 0)
  })
})
