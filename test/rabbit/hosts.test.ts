import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { silentLog } from '#base'
import { brokerDefinitions, computeContract, conductorContract, type Handlers, RabbitBus } from '#bus'
import { Broker } from './broker.ts'

/** Host a, and a.b whose name begins like the other's. */
const accounts = ['a', 'a.b'].map(host => ({ host, password: `of-${host}` }))
let broker: Broker
before(async () => {
  const control = { name: 'nova', password: 'secret' }
  const definitions = brokerDefinitions({ prefix: 'nova', virtualHost: '/', control, hosts: accounts })
  broker = await Broker.start({ definitions })
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
