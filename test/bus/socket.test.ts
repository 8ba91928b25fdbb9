import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, test } from 'node:test'
import { ManualClock, silentLog, waitFor } from '#base'
import { NoServer, openBus, SocketBus, TransportUnusable } from '#bus'
import { echoContract, echoHandlers } from './echo.ts'

const root = mkdtempSync(join(tmpdir(), 'nova-bus-'))
after(() => rmSync(root, { recursive: true }))
let number = 0
let folder: string
const open: { close(): Promise<void> }[] = []
const children: ChildProcess[] = []
beforeEach(() => {
  folder = join(root, String(++number))
})
afterEach(async () => {
  for (const bus of open.splice(0)) await bus.close()
  for (const child of children.splice(0)) await kill(child)
})

const newBus = (clock?: ManualClock) => {
  const bus = new SocketBus({ folder, log: silentLog, ...(clock === undefined ? {} : { clock }) })
  open.push(bus)
  return bus
}
async function startEcho(name: string): Promise<ChildProcess> {
  const child = fork(new URL('echo-process.ts', import.meta.url), [folder, name])
  children.push(child)
  await once(child, 'message')
  return child
}
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
const sockets = () => readdirSync(folder).filter(name => name.endsWith('.sock'))

test('the folder belongs to its owner alone', () => {
  newBus()
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  chmodSync(folder, 0o755)
  newBus()
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('a server killed during calls: they fail at once as transient, and the next life is found', async () => {
  const bus = newBus()
  const first = await startEcho('one')
  const echo = bus.client(echoContract, 'one')
  assert.equal((await echo.say({ text: '' })).by, 'one')
  const hanging = assert.rejects(echo.slow({ n: 1 }), error => NoServer.is(error) && error.kind === 'transient')
  await echo.say({ text: 'the slow call is there by now' })
  await kill(first)
  await hanging
  await assert.rejects(echo.say({ text: '' }), NoServer.is)
  await startEcho('one')
  assert.equal((await echo.say({ text: '' })).by, 'one')
})

test('what a killed server leaves behind is removed by the next life', async () => {
  const old = await startEcho('one')
  const [leftover = ''] = sockets()
  await kill(old)
  assert.ok(existsSync(join(folder, leftover)))
  const bus = newBus()
  bus.serve(echoContract, 'one', echoHandlers('new'))
  await bus.ready()
  await waitFor('the leftover to go', () => !sockets().includes(leftover) || undefined, { deadlineMs: 60_000 })
  assert.equal((await newBus().client(echoContract, 'one').say({ text: '' })).by, 'new')
})

test('whether anybody serves is known without a call', async () => {
  const bus = newBus()
  assert.equal(await bus.isServed(echoContract), false)
  const child = await startEcho('one')
  assert.equal(await bus.isServed(echoContract), true)
  await kill(child)
  assert.equal(await bus.isServed(echoContract), false)
})

test('servers of one name take turns, and one that goes is not missed', async () => {
  const [a, b, caller] = [newBus(), newBus(), newBus()]
  a.serve(echoContract, 'one', echoHandlers('a'))
  const stop = b.serve(echoContract, 'one', echoHandlers('b'))
  await Promise.all([a.ready(), b.ready()])
  const echo = caller.client(echoContract, 'one')
  const ask = async () => (await echo.say({ text: '' })).by
  assert.deepEqual([await ask(), await ask()].sort(), ['a', 'b'])
  stop()
  assert.deepEqual([await ask(), await ask()], ['a', 'a'])
})

test('a call without an answer ends after the time of its method', async () => {
  const clock = new ManualClock()
  const [server, caller] = [newBus(), newBus(clock)]
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  const echo = caller.client(echoContract, 'one')
  await echo.say({ text: 'connected' })
  const late = assert.rejects(echo.slow({ n: 1 }), error => NoServer.is(error) && /60000 ms/.test(error.detail ?? ''))
  await echo.say({ text: 'the slow call is there by now' })
  clock.advance(60_000)
  await late
  // The late answer is nobody's; the connection lives on.
  await Promise.all([echo.say({ text: '' }), echo.slow({ n: 2 })])
})

test('a caller that never reads does not fill the server', async () => {
  const server = newBus()
  let answered = 0
  server.serve(echoContract, 'one', {
    ...echoHandlers('one'),
    big: async () => {
      answered++
      return { text: 'x'.repeat(100_000) }
    },
  })
  await server.ready()
  const socket = connect(join(folder, sockets()[0] ?? ''))
  await once(socket, 'connect')
  socket.pause()
  const calls = 20_000
  for (let id = 1; id <= calls; id++) socket.write(`{"id":${id},"method":"big","args":null}\n`)
  // Others are served meanwhile.
  const echo = newBus().client(echoContract, 'one')
  for (let i = 0; i < 50; i++) await echo.say({ text: '' })
  assert.ok(answered < 2000, `${answered} answers wait for a reader`)
  socket.destroy()
})

test('nonsense on the socket ends that connection only', async () => {
  const server = newBus()
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  const socket = connect(join(folder, sockets()[0] ?? ''))
  socket.end('GET / HTTP/1.1\n\n')
  socket.resume()
  await once(socket, 'close')
  assert.equal((await newBus().client(echoContract).say({ text: '' })).by, 'one')
})

test('closing the bus ends calls and removes the sockets', async () => {
  const [server, caller] = [newBus(), newBus()]
  server.serve(echoContract, 'one', echoHandlers('one'))
  await server.ready()
  const echo = caller.client(echoContract)
  await echo.say({ text: '' })
  const hanging = assert.rejects(echo.slow({ n: 1 }), NoServer.is)
  await server.close()
  await hanging
  assert.deepEqual(sockets(), [])
})

test('transport_url: unix takes a folder; what is wrong is said without a password', async () => {
  const bus = openBus(`unix://${folder}/`, { log: silentLog })
  open.push(bus)
  bus.serve(echoContract, 'one', echoHandlers('one'))
  await bus.ready()
  assert.equal((await newBus().client(echoContract).say({ text: '' })).by, 'one')
  for (const url of ['rabbit://nova:secret@rabbit:port/', 'kafka://x', 'unix://', 'unix://relative', '']) {
    assert.throws(
      () => openBus(url, { log: silentLog }),
      error => {
        assert.ok(TransportUnusable.is(error))
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  }
})

test('a path too long for the kernel is said so', () => {
  folder = join(root, 'x'.repeat(90))
  const bus = newBus()
  assert.throws(() => bus.serve(echoContract, 'one', echoHandlers('one')), /longer than 107 bytes/)
})
