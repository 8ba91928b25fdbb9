/** A cloud of separate processes on RabbitMQ: the conductor and then the broker are killed in the middle of builds. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { CloudUser } from '../bin/cloud-user.ts'
import { type Cloud, startCloud } from '../bin/processes.ts'
import { Broker } from '../rabbit/broker.ts'
import { topics } from './cloud.ts'
import { Listener } from './listener.ts'

const names = ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'] as const
const config = `[oslo_messaging_notifications]
driver = messagingv2
[notifications]
notification_format = versioned
[oslo_messaging_rabbit]
amqp_durable_queues = true
`
const deadlineMs = 120_000

let broker: Broker
let listener: Listener
let cloud: Cloud
let user: CloudUser
before(async () => {
  broker = await Broker.start()
  cloud = await startCloud(names, config, { url: broker.url() })
  user = new CloudUser(cloud)
  await user.furnish()
  listener = await Listener.start(`${broker.url()}?amqp_durable_queues=1`, topics.versioned)
})
after(async () => {
  listener?.close()
  await cloud?.close()
  await broker?.close()
})

/** Every server has told of its beginning and its end, the one before the other. */
async function allTold(count: number): Promise<void> {
  const servers = await user.servers()
  assert.equal(servers.length, count)
  for (const { id } of servers) {
    await listener.heard('instance.create.end', id)
    const types = listener.types(id).filter(type => type.startsWith('instance.create'))
    assert.deepEqual([...new Set(types)], ['instance.create.start', 'instance.create.end'])
  }
}

const isBusy = () =>
  waitFor('some to be active', async () => (await user.servers()).some(s => s.status === 'ACTIVE') || undefined, {
    deadlineMs,
    everyMs: 10,
  })

test('kill -9 of the conductor: everything is told, in order', async () => {
  await user.boot('many', 15)
  await isBusy()
  assert.equal(await cloud.service['nova-conductor'].end('SIGKILL'), 'SIGKILL')
  await cloud.service['nova-conductor'].start()
  await user.all(15)
  await allTold(15)
})

test('the broker is killed: what happened meanwhile is told when it is back', async () => {
  await broker.kill()
  await user.boot('meanwhile', 3)
  await broker.run()
  await user.all(18)
  await allTold(18)
})

test('what was told twice has the same ids, so that nobody takes it for two', () => {
  const told = listener.all.map(({ event_type, payload, metadata }) => [event_type, payload, metadata] as const)
  const starts = told.filter(([type]) => type === 'instance.create.end')
  const byServer = Map.groupBy(starts, ([, payload]) => String(payload['nova_object.data'].uuid))
  for (const [id, all] of byServer) assert.equal(new Set(all.map(([, , m]) => m.message_id)).size, 1, id)
})
