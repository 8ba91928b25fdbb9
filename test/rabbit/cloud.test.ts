import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Fault, silentLog, waitFor } from '#base'
import { brokerDefinitions, conductorContract, RabbitBus } from '#bus'
import { distributedContract } from '../bin/distributed.contract.ts'
import { Broker } from './broker.ts'

let broker: Broker | undefined
after(() => broker?.close())

/** The host has a broker user of its own, and no database. */
const open = async () => {
  const control = { name: 'nova', password: 'secret' }
  const hosts = [{ host: 'host-1', password: 'own' }]
  broker = await Broker.start({ definitions: brokerDefinitions({ prefix: 'nova', virtualHost: '/', control, hosts }) })
  return { url: broker.url(), hostUrl: broker.url('compute.host-1', 'own') }
}

distributedContract('RabbitMQ', open, (_cloud, user) => {
  test('RabbitMQ: the conductor hears of a host from nobody but that host', async () => {
    const bus = new RabbitBus({ url: broker?.url('compute.host-1', 'own') ?? '', log: silentLog })
    const conductor = bus.client(conductorContract)
    const binary = 'nova-compute'
    assert.equal(await conductor.heartbeat({ host: 'host-1', binary }), null)
    const isForbidden = (error: unknown) => error instanceof Fault && error.status === 403
    await assert.rejects(conductor.heartbeat({ host: 'host-2', binary }), isForbidden)
    await assert.rejects(conductor.heartbeat({ host: 'host-1', binary: 'nova-conductor' }), isForbidden)
    await assert.rejects(conductor.expectedGuests({ host: 'host-2' }), isForbidden)
    await assert.rejects(conductor.wake({ sagaId: 'any' }), isForbidden)
    await bus.close()
  })

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
    await waitFor('the work to begin', async () => (await isBusy()) || undefined, { deadlineMs: 60_000, everyMs: 10 })
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
