/** What was written arrives at a listener of oslo.messaging: once, in order, whatever dies on the way. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Closers, newUuid, silentLog, systemClock, waitFor } from '#base'
import { Announcer } from '#bus'
import { brokerDriver, Courier, type Driver, severalDrivers } from '#notify'
import { type OutboxEvent, openStore, type Store } from '#store'
import { freshDatabase } from '../database/index.ts'
import { Broker } from '../rabbit/broker.ts'
import { topics } from './cloud.ts'
import { Listener } from './listener.ts'

let broker: Broker
let listener: Listener
let store: Store
const closers = new Closers()
const deadlineMs = 60_000

before(async () => {
  broker = await Broker.start()
  closers.add(() => broker.close())
  listener = await Listener.start(broker.url(), topics.versioned)
  closers.add(() => listener.close())
  store = await openStore(await freshDatabase())
  closers.add(() => store.close())
})
after(() => closers.close())

function announcer(): Announcer {
  const made = Announcer.open(
    broker.url(),
    {
      log: silentLog,
      rabbit: {
        heartbeatSeconds: 60,
        retry: { firstMs: 50, stepMs: 50, mostMs: 500 },
        isTls: false,
        tls: { caFile: '', certFile: '', keyFile: '', checksHostname: false },
      },
    },
    { exchange: 'nova', isDurable: false, isQuorum: false },
  )
  closers.add(() => made.close())
  return made
}

const driver = () => brokerDriver(announcer(), { versioned: [topics.versioned], unversioned: [] }, true)

function courier(over: Driver, options: { retries?: number; mostWaiting?: number } = {}): Courier {
  const { retries = -1, mostWaiting = 1000 } = options
  const made = new Courier({
    store,
    driver: over,
    clock: systemClock,
    log: silentLog,
    owner: newUuid(),
    retries,
    mostWaiting,
    pollMs: 20,
  })
  closers.add(() => made.stop())
  return made
}

/** As `Notices` writes them. */
function event(instanceId: string, number: number): OutboxEvent {
  const message = {
    message_id: newUuid(),
    publisher_id: 'nova-compute:h',
    event_type: `test.${number}`,
    priority: 'INFO',
    payload: { 'nova_object.data': { uuid: instanceId } },
    timestamp: '2026-01-01 00:00:00.000000',
    _unique_id: newUuid(),
  }
  return {
    instanceId,
    projectId: null,
    format: 'versioned',
    eventType: message.event_type,
    priority: 'INFO',
    message: JSON.stringify(message),
    createdAtMs: 0,
  }
}

const write = (events: readonly OutboxEvent[]) => store.transaction(tx => tx.outbox.add(events))
const isEmpty = () =>
  waitFor('the outbox to be empty', async () => (await store.outbox.first(1)).length === 0 || undefined, { deadlineMs })
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `test.${from + i}`)

test('several senders at once: each event once, in the order of its server', async () => {
  const ids = [newUuid(), newUuid(), newUuid()]
  const senders = [courier(driver()), courier(driver()), courier(driver())]
  for (const sender of senders) sender.start()
  for (let number = 1; number <= 30; number++) await write(ids.map(id => event(id, number)))
  for (const id of ids) await listener.heard('test.30', id)
  for (const id of ids) assert.deepEqual(listener.types(id), numbers(1, 30))
  for (const sender of senders) await sender.stop()
  assert.deepEqual(await store.outbox.first(1), [])
})

test('one that dies after sending and before it notes so: the next sends again, under the same ids', async () => {
  const id = newUuid()
  await write([event(id, 1), event(id, 2)])
  const real = driver()
  await until(() => real.send([]).then(() => true))
  const dying: Driver = {
    send: async events => {
      assert.equal(await real.send(events), 2)
      throw new Error('killed')
    },
    close: () => real.close(),
  }
  const first = courier(dying)
  await first.round()
  assert.equal((await store.outbox.first(9)).length, 2)
  await listener.heard('test.2', id)
  await first.stop()
  const second = courier(driver())
  second.start()
  await isEmpty()
  await write([event(id, 3)])
  await listener.heard('test.3', id)
  // oslo.messaging has known the repeated ones by their ids.
  assert.deepEqual(listener.types(id), numbers(1, 3))
  await second.stop()
})

test('a sender that holds the lease and is gone is followed when it lapses', async () => {
  const now = systemClock.now()
  assert.ok(await store.outbox.lease('dead', now, now + 300))
  const id = newUuid()
  await write([event(id, 1)])
  const next = courier(driver())
  next.start()
  await listener.heard('test.1', id)
  assert.ok(systemClock.now() >= now + 300)
  await next.stop()
})

test('while the broker is away events wait; when it is back they come in order, and nothing is lost', async () => {
  const id = newUuid()
  const sender = courier(driver())
  sender.start()
  await write([event(id, 1)])
  await listener.heard('test.1', id)
  await broker.kill()
  for (let number = 2; number <= 20; number++) await write([event(id, number)])
  assert.equal((await store.outbox.first(99)).length, 19)
  await broker.run()
  await listener.heard('test.20', id)
  assert.deepEqual([...new Set(listener.types(id))], numbers(1, 20))
  await isEmpty()
  await sender.stop()
})

test('without the envelope, and under every topic', async () => {
  const other = await Listener.start(broker.url(), 'plain', 'copy')
  closers.add(() => other.close())
  const sender = courier(brokerDriver(announcer(), { versioned: ['plain', 'copy'], unversioned: [] }, false))
  const id = newUuid()
  await write([event(id, 1)])
  sender.start()
  await waitFor('both to be heard', () => other.types(id).length === 2 || undefined, { deadlineMs })
  assert.deepEqual(other.types(id), ['test.1', 'test.1'])
  await sender.stop()
})

test('of several drivers one that cannot send keeps its events waiting, and nobody gets one twice', async () => {
  const id = newUuid()
  const got: string[] = []
  const fast: Driver = {
    send: async events => {
      got.push(...events.map(e => e.eventType))
      return events.length
    },
    close: async () => undefined,
  }
  let broken = true
  const late: string[] = []
  const slow: Driver = {
    send: async events => {
      if (broken) throw new Error('away')
      late.push(...events.map(e => e.eventType))
      return events.length
    },
    close: async () => undefined,
  }
  const sender = courier(severalDrivers([fast, slow], silentLog))
  await write([event(id, 1), event(id, 2)])
  await sender.round()
  await write([event(id, 3)])
  await sender.round()
  assert.deepEqual([got, late], [numbers(1, 3), []])
  assert.equal((await store.outbox.first(9)).length, 3)
  broken = false
  await sender.round()
  assert.deepEqual([got, late], [numbers(1, 3), numbers(1, 3)])
  assert.deepEqual(await store.outbox.first(9), [])
  await sender.stop()
})

test('what waits is bounded: the oldest go, and whoever has retries does not hold up the others', async () => {
  const id = newUuid()
  await write(Array.from({ length: 50 }, (_, i) => event(id, i + 1)))
  assert.equal(await store.outbox.trim(10), 40)
  assert.deepEqual(
    (await store.outbox.first(99)).map(e => e.eventType),
    numbers(41, 50),
  )
  const never: Driver = { send: async () => 0, close: async () => undefined }
  const sender = courier(never, { retries: 1 })
  await sender.round()
  assert.equal((await store.outbox.first(99)).length, 10)
  await sender.round()
  assert.equal((await store.outbox.first(99))[0]?.eventType, 'test.42')
  await sender.stop()
  await store.outbox.trim(0)
})

async function until(isSo: () => Promise<boolean>): Promise<void> {
  await waitFor('it', () => isSo().catch(() => undefined), { deadlineMs, everyMs: 20 })
}
