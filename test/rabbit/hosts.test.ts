import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { silentLog } from '#base'
import { brokerDefinitions, computeContract, conductorContract, type Handlers, RabbitBus } from '#bus'
import { answerProperties, readCall } from '../../src/bus/rabbit/messages.ts'
import { replyKey } from '../../src/bus/rabbit/names.ts'
import { Broker, brokerUser } from './broker.ts'

/** Host a, and a.b whose name begins like the other's. */
const accounts = ['a', 'a.b'].map(host => ({ host, password: `of-${host}` }))
let broker: Broker
before(async () => {
  const control = { name: 'nova', password: 'secret' }
  const shipped = brokerDefinitions({ prefix: 'nova', virtualHost: '/', control, hosts: accounts })
  const sender = { user: 'sender', vhost: '/', configure: '', write: '^topics$', read: '' }
  broker = await Broker.start({
    definitions: {
      ...shipped,
      users: [...(shipped['users'] ?? []), brokerUser('sender', 'secret')],
      permissions: [...(shipped['permissions'] ?? []), sender],
      topic_permissions: [{ user: 'sender', vhost: '/', exchange: 'topics', write: '^own$', read: '' }],
    },
  })
})
after(() => broker?.close())

const hostUrl = (host: string) => broker.url(`compute.${host}`, `of-${host}`)
const opened: RabbitBus[] = []
const busOf = (host?: string) => {
  const bus = new RabbitBus({ url: host === undefined ? broker.url() : hostUrl(host), log: silentLog })
  opened.push(bus)
  return bus
}

/** Each method says what it was called with, and by whom. */
const telling = (name: string) =>
  new Proxy(
    {},
    {
      has: () => true,
      getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
      get:
        () =>
        async (_args: unknown, { host }: { host?: string }) => ({ by: name, saidBy: host ?? null }),
    },
  ) as unknown as Handlers<typeof computeContract> & Handlers<typeof conductorContract>

test('broker users: hosts call the conductor as themselves, and are called by the control plane', async () => {
  const control = busOf()
  control.serve(conductorContract, 'c', telling('conductor'))
  await control.ready()
  for (const { host } of accounts) {
    const bus = busOf(host)
    bus.serve(computeContract, host, telling(host))
    await bus.ready()
    assert.deepEqual(await bus.client(conductorContract).ready({ host: 'whoever' }), { by: 'conductor', saidBy: host })
    assert.deepEqual(await control.client(computeContract, host).uptime({}), { by: host, saidBy: null })
  }
})

test('broker users: a host can neither read nor answer what is not its own, nor call another host', async () => {
  const connection: ChannelModel = await connect(hostUrl('a').replace('rabbit:', 'amqp:'))
  const refused = async (what: string, work: (channel: Channel) => Promise<unknown>) => {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => undefined)
    await assert.rejects(work(channel), /ACCESS_REFUSED|RESOURCE_LOCKED|channel closed/, what)
  }
  const publish =
    (exchange: string, key: string, userId = 'compute.a') =>
    async (channel: Channel) => {
      channel.publish(exchange, key, Buffer.from('{}'), { userId })
      await (channel as Awaited<ReturnType<ChannelModel['createConfirmChannel']>>).waitForConfirms()
    }
  await refused("another host's calls", c => c.consume('nova.compute.a.b', () => undefined))
  await refused("another host's calls, once", c => c.get('nova.compute.a.b'))
  await refused("the conductor's calls", c => c.consume('nova.conductor', () => undefined))
  await refused("a queue of another host's name", c => c.assertQueue('nova.compute.a.b', { durable: true }))
  await refused("another's queue for answers", c => c.assertQueue('nova.reply.compute.a.b.0123456789abcdef'))
  await refused('to hear answers', c => c.bindQueue('nova.compute.a', 'nova.replies', 'to:nova.reply.nova.1'))
  await refused('to hear calls', c => c.bindQueue('nova.compute.a', 'nova.conductor', 'any'))
  await refused('to remove a queue', c => c.deleteQueue('nova.compute.a.b'))
  await refused('to call another host', publish('', 'nova.compute.a.b'))
  await refused('to call the scheduler', publish('nova.scheduler', 'any'))
  await refused('to be another one', publish('nova.conductor', 'any', 'compute.a.b'))
  await connection.close()
  for (const bus of opened.splice(0)) await bus.close()
})

const rawOf = (host: string): Promise<ChannelModel> => connect(hostUrl(host).replace('rabbit:', 'amqp:'))

test('broker users: a host is not believed in the place of another, though it knew all of the call', async () => {
  const control = busOf()
  // Makes the queue, and then leaves the calls to a program of the same user that can be told what to do.
  const real = busOf('a.b')
  real.serve(computeContract, 'a.b', telling('a.b'))
  await real.ready()
  const [forger, owner] = [await rawOf('a'), await rawOf('a.b')]
  const [lying, honest] = [await forger.createConfirmChannel(), await owner.createConfirmChannel()]
  await honest.consume('nova.compute.a.b', async message => {
    const call = message === null ? undefined : readCall(message)
    assert.ok(call !== undefined && message !== null)
    const answer = (channel: typeof honest, user: string) => {
      const content = Buffer.from(JSON.stringify({ by: user }))
      channel.publish('nova.replies', replyKey(call.replyQueue), content, answerProperties('result', user, call.id))
      return channel.waitForConfirms()
    }
    await answer(lying, 'compute.a')
    await answer(honest, 'compute.a.b')
    honest.ack(message)
  })
  await real.close()
  assert.deepEqual(await control.client(computeContract, 'a.b').uptime({}), { by: 'compute.a.b' })
  for (const connection of [forger, owner]) await connection.close()
  for (const bus of opened.splice(0)) await bus.close()
})

/** Why permissions here are by exchange and queue. Where this fails the broker has learnt more, and decision 0031 should say so. */
test('the broker: who may send to one topic reaches another by CC', async () => {
  const [owner, sender] = [
    await connect(broker.url().replace('rabbit:', 'amqp:')),
    await connect(broker.url('sender').replace('rabbit:', 'amqp:')),
  ]
  const channel = await owner.createChannel()
  await channel.assertExchange('topics', 'topic')
  const { queue } = await channel.assertQueue('')
  await channel.bindQueue(queue, 'topics', 'another')
  const sending = await sender.createConfirmChannel()
  sending.publish('topics', 'own', Buffer.from('by CC'), { CC: ['another'] })
  await sending.waitForConfirms()
  assert.equal((await channel.checkQueue(queue)).messageCount, 1)
  sending.on('error', () => undefined)
  sending.publish('topics', 'another', Buffer.from('straight'))
  await assert.rejects(sending.waitForConfirms())
  assert.equal((await channel.checkQueue(queue)).messageCount, 1)
  for (const connection of [owner, sender]) await connection.close()
})

test('broker users: CC leads a host nowhere that its own sending does not', async () => {
  const control = busOf()
  control.serve(conductorContract, 'c', telling('conductor'))
  const other = busOf('a.b')
  other.serve(computeContract, 'a.b', telling('a.b'))
  await Promise.all([control.ready(), other.ready()])
  const connection = await connect(hostUrl('a').replace('rabbit:', 'amqp:'))
  const channel = await connection.createConfirmChannel()
  const watcher = await connect(broker.url().replace('rabbit:', 'amqp:'))
  const looking = await watcher.createChannel()
  for (const exchange of ['nova.conductor', 'nova.replies'])
    channel.publish(exchange, 'nobody', Buffer.from('{}'), {
      userId: 'compute.a',
      CC: ['nova.compute.a.b', 'nova.scheduler'],
    })
  await channel.waitForConfirms()
  const before = await looking.get('nova.compute.a.b')
  assert.equal(before, false)
  for (const one of [connection, watcher]) await one.close()
  for (const bus of opened.splice(0)) await bus.close()
})
