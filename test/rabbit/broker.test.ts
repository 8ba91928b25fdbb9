import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { connect as connectAmqp } from 'amqplib'
import { ManualClock, silentLog, waitFor } from '#base'
import { contract, method, NoServer, openBus, RabbitBus, rabbitDefaults } from '#bus'
import { busContract } from '../bus/bus.contract.ts'
import { echoContract, echoHandlers } from '../bus/echo.ts'
import { Broker, freePorts } from './broker.ts'

const certificates = mkdtempSync(join(tmpdir(), 'nova-rabbit-tls-'))
const file = (name: string) => join(certificates, name)
/** An authority, and the broker's certificate by it, for the name `localhost`. */
function makeCertificates(): void {
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  for (const name of ['ca', 'stranger']) {
    openssl('req', '-x509', ...key, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), '-subj', `/CN=${name}`)
  }
  const extensions = ['-addext', 'subjectAltName=DNS:localhost', '-CA', file('ca.pem'), '-CAkey', file('ca.key')]
  openssl(
    'req',
    '-x509',
    ...key,
    ...extensions,
    '-keyout',
    file('broker.key'),
    '-out',
    file('broker.pem'),
    '-subj',
    '/CN=x',
  )
}

let broker: Broker
let prefix: string
let number = 0
const open: { close(): Promise<void> }[] = []
const children: ChildProcess[] = []
before(async () => {
  makeCertificates()
  const config = `listeners.ssl.1 = 127.0.0.1:PORT
ssl_options.cacertfile = ${file('ca.pem')}
ssl_options.certfile = ${file('broker.pem')}
ssl_options.keyfile = ${file('broker.key')}`
  broker = await Broker.start({ config })
})
beforeEach(() => {
  prefix = `test-${++number}`
})
afterEach(async () => {
  for (const bus of open.splice(0)) await bus.close()
  for (const child of children.splice(0)) await kill(child)
})
after(async () => {
  await broker?.close()
  rmSync(certificates, { recursive: true })
})

const newBus = (options: { clock?: ManualClock; url?: string } = {}) => {
  const bus = new RabbitBus({ url: broker.url(), log: silentLog, prefix, ...options })
  open.push(bus)
  return bus
}
async function startEcho(name: string): Promise<ChildProcess> {
  const child = fork(new URL('echo-process.ts', import.meta.url), [broker.url(), prefix, name])
  children.push(child)
  await said(child, 'ready')
  return child
}
async function said(child: ChildProcess, what: unknown): Promise<void> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [unknown]
    if (message === what) return
  }
}
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
/** A broker may take its time to start. */
const patient = contract('echo', { ...echoContract.methods, slow: method<{ n: number }, { n: number }>(600_000) })
const isTransient = (error: unknown) => NoServer.is(error) && error.kind === 'transient'

busContract('RabbitMQ', async () => {
  const [serving, calling] = [newBus(), newBus()]
  return { serving, calling, ready: () => serving.ready(), close: async () => undefined }
})

test('a server killed during calls: they fail as transient without waiting for their time, and its next life is found', async () => {
  const echo = newBus().client(echoContract, 'one')
  const first = await startEcho('one')
  const hanging = assert.rejects(echo.slow({ n: 1 }), isTransient)
  await said(first, 1)
  await kill(first)
  await hanging
  await assert.rejects(echo.say({ text: '' }), isTransient)
  await startEcho('one')
  assert.equal((await echo.say({ text: '' })).by, 'one')
})

test('a call to any server outlives the one that had taken it', async () => {
  const doomed = await startEcho('doomed')
  const caller = newBus()
  const call = caller.client(echoContract).slow({ n: 1 })
  await said(doomed, 1)
  const other = newBus()
  other.serve(echoContract, 'other', echoHandlers('other', 1))
  await other.ready()
  await kill(doomed)
  assert.deepEqual(await call, { n: 1 })
})

test('the broker killed and started during calls: each is answered, and none is begun twice by a server that has it', async () => {
  const [server, caller] = [newBus(), newBus()]
  const begun = new Map<number, number>()
  let release: () => void = () => undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  server.serve(patient, 'one', {
    ...echoHandlers('one'),
    slow: async ({ n }) => {
      begun.set(n, (begun.get(n) ?? 0) + 1)
      if (n < 20) await held
      return { n }
    },
  })
  await server.ready()
  await broker.keeps(`${prefix}.echo.one`)
  const echo = caller.client(patient, 'one')
  // A queue that is so new that RabbitMQ may not know any more where it is.
  const fresh = newBus()
  fresh.serve(patient, 'fresh', echoHandlers('fresh'))
  await fresh.ready()
  // Some are being worked on when the broker dies, some come while it is away, some are on their way.
  const early = Array.from({ length: 40 }, (_, n) => echo.slow({ n }))
  await waitFor('calls to be begun', () => begun.size >= 20 || undefined, { deadlineMs: 60_000 })
  await broker.kill()
  const late = Array.from({ length: 20 }, (_, n) => echo.slow({ n: 40 + n }))
  release()
  await broker.run()
  const answers = await Promise.all([...early, ...late])
  assert.deepEqual(
    answers.map(answer => answer.n),
    Array.from({ length: 60 }, (_, n) => n),
  )
  assert.deepEqual(
    [...begun.values()].filter(times => times !== 1),
    [],
  )
  assert.equal((await caller.client(patient, 'fresh').say({ text: '' })).by, 'fresh')
})

test('nothing is begun for a caller that gave up: what nobody takes is gone soon', async () => {
  const doomed = await startEcho('one')
  const caller = newBus()
  const echo = caller.client(echoContract, 'one')
  await echo.say({ text: 'it is known to serve' })
  await kill(doomed)
  await assert.rejects(echo.slow({ n: 1 }), isTransient)
  let begun = 0
  const server = newBus()
  server.serve(echoContract, 'one', {
    ...echoHandlers('one'),
    slow: async args => {
      begun++
      return args
    },
  })
  await server.ready()
  await echo.say({ text: 'behind whatever was there' })
  assert.equal(begun, 0)
})

test('a call without an answer ends after the time of its method', async () => {
  const clock = new ManualClock()
  const [server, caller] = [newBus(), newBus({ clock })]
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  const echo = caller.client(echoContract, 'one')
  await echo.say({ text: 'connected' })
  const late = assert.rejects(
    echo.slow({ n: 1 }),
    error => NoServer.is(error) && /60000 ms|silent/.test(error.detail ?? ''),
  )
  await echo.say({ text: 'the slow call is there by now' })
  clock.advance(60_000)
  await late
  // The late answer is nobody's.
  await Promise.all([echo.say({ text: '' }), echo.slow({ n: 2 })])
})

test('a slow server has a bounded number of calls; the broker keeps the others', async () => {
  const most = 1024
  const more = 200
  const gate = Promise.withResolvers<void>()
  const begun = new Set<number>()
  const server = newBus()
  server.serve(echoContract, 'one', {
    ...echoHandlers('one'),
    slow: async args => {
      begun.add(args.n)
      await gate.promise
      return args
    },
  })
  await server.ready()
  const echo = newBus().client(echoContract, 'one')
  const calls = Array.from({ length: most + more }, (_, n) => echo.slow({ n }))
  const connection = await connectAmqp(broker.url().replace('rabbit:', 'amqp:'))
  const channel = await connection.createChannel()
  const isFull = async () => {
    const { messageCount } = await channel.checkQueue(`${prefix}.echo.one`)
    return (begun.size === most && messageCount === more) || undefined
  }
  await waitFor('it to have all that it takes, and the broker the others', isFull, { deadlineMs: 60_000, everyMs: 20 })
  gate.resolve()
  assert.equal((await Promise.all(calls)).length, most + more)
  await connection.close()
})

test('servers of one name take turns, and one that goes is not missed', async () => {
  const [a, b, caller] = [newBus(), newBus(), newBus()]
  a.serve(echoContract, 'one', echoHandlers('a'))
  const stop = b.serve(echoContract, 'one', echoHandlers('b'))
  await Promise.all([a.ready(), b.ready()])
  const echo = caller.client(echoContract)
  const ask = async () => (await echo.say({ text: '' })).by
  assert.deepEqual([...new Set(await Promise.all(Array.from({ length: 8 }, ask)))].sort(), ['a', 'b'])
  stop()
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['a', 'a', 'a'])
  assert.equal(await caller.isServed(echoContract), true)
})

test('a message that is no call is thrown away, and so is one that says it twice', async () => {
  const server = newBus()
  const began: number[] = []
  server.serve(echoContract, 'one', {
    ...echoHandlers('one'),
    slow: async args => {
      began.push(args.n)
      return args
    },
  })
  await server.ready()
  const other = await connectAmqp(broker.url().replace('rabbit:', 'amqp:'))
  const channel = await other.createConfirmChannel()
  const queue = `${prefix}.echo.one`
  channel.sendToQueue(queue, Buffer.from('GET / HTTP/1.1'))
  channel.sendToQueue(queue, Buffer.from('{'), { type: 'call', messageId: '1', headers: { method: 'slow' } })
  const call = {
    type: 'call',
    userId: 'nova',
    replyTo: `${prefix}.reply.nova.0123456789abcdef`,
    headers: { method: 'slow' },
  }
  // Damaged, then twice the same, then with a method that nobody knows.
  channel.sendToQueue(queue, Buffer.from('{'), { ...call, messageId: '2' })
  for (let i = 0; i < 2; i++) channel.sendToQueue(queue, Buffer.from('{"n":3}'), { ...call, messageId: '3' })
  channel.sendToQueue(queue, Buffer.from('{}'), { ...call, messageId: '4', headers: { method: 'toString' } })
  await channel.waitForConfirms()
  assert.equal((await newBus().client(echoContract, 'one').say({ text: 'behind them' })).by, 'one')
  assert.deepEqual(began, [3, 3].slice(0, began.length))
  await other.close()
})

test('several brokers in one URL: one that is away is passed over', async () => {
  const [dead = 0] = await freePorts(1)
  const url = broker.url().replace('@', `@127.0.0.1:${dead},nova:secret@`)
  const [server, caller] = [newBus({ url }), newBus({ url })]
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  assert.equal((await caller.client(echoContract, 'one').say({ text: '' })).by, 'one')
})

test('virtual hosts are worlds of their own', async () => {
  const server = newBus({ url: broker.url('nova', 'secret', 'cell1') })
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  await assert.rejects(newBus().client(echoContract, 'one').say({ text: '' }), isTransient)
})

test("TLS: the broker's certificate is looked at as oslo.messaging's options say", async () => {
  const url = `rabbit://nova:secret@localhost:${broker.tlsPort}/?ssl=1`
  const tls = { caFile: '', certFile: '', keyFile: '', checksHostname: true }
  const over = (at: string, files: Partial<typeof tls>, log = silentLog) => {
    const bus = openBus(at, { log, prefix, rabbit: { ...rabbitDefaults, tls: { ...tls, ...files } } })
    open.push(bus)
    return bus
  }
  const server = over(url, {})
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  const answer = await over(url, { caFile: file('ca.pem') })
    .client(echoContract, 'one')
    .say({ text: '' })
  assert.equal(answer.by, 'one')
  const byAddress = url.replace('localhost', '127.0.0.1')
  for (const [at, files] of [
    [url, { caFile: file('stranger.pem') }],
    [byAddress, { caFile: file('ca.pem') }],
  ] as const) {
    const failed = Promise.withResolvers<string>()
    const log = { ...silentLog, error: (facts: { err?: Error }) => failed.resolve(String(facts.err?.message)) }
    over(at, files, log as typeof silentLog)
    assert.match(await failed.promise, /certificate|altnames/i)
  }
  const lax = over(byAddress, { caFile: file('ca.pem'), checksHostname: false })
  assert.equal((await lax.client(echoContract, 'one').say({ text: '' })).by, 'one')
})

test('closing the bus ends calls, and what nobody serves any more is known at once', async () => {
  const [server, caller] = [newBus(), newBus()]
  const stop = server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  const echo = caller.client(echoContract)
  await echo.say({ text: '' })
  const hanging = assert.rejects(echo.slow({ n: 1 }), isTransient)
  await echo.say({ text: 'the slow call is there by now' })
  stop()
  await server.close()
  await hanging
  await assert.rejects(echo.say({ text: '' }), isTransient)
})
