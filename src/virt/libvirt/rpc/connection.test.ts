import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ManualClock, silentLog, systemClock, waitFor } from '#base'
import { HypervisorUnavailable } from '../../faults.ts'
import { LibvirtClient } from './client.ts'
import { Connection } from './connection.ts'
import { LibvirtError } from './errors.ts'
import { encodePacket, messageType, type Packet, PacketSplitter, program } from './packet.ts'
import { procedures } from './procedures.ts'
import { domainById } from './values.ts'
import { XdrWriter } from './xdr.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-rpc-'))
after(() => rmSync(folder, { recursive: true, force: true }))

type Answer = (call: Packet, socket: Socket) => Buffer | undefined

const reply = (call: Packet, body: XdrWriter, status = 0): Buffer =>
  encodePacket({ ...call, type: messageType.reply, status, payload: body.bytes() })

/** What every daemon answers: no authentication, opened, event registered. */
const polite: Answer = call => {
  if (call.procedure === procedures.authList.number)
    return reply(
      call,
      new XdrWriter().array([0], (w, n) => w.int(n)),
    )
  if (call.procedure === procedures.registerEvent.number) return reply(call, new XdrWriter().int(1))
  return call.procedure === procedures.open.number ? reply(call, new XdrWriter()) : undefined
}

let sockets = 0
const servers: Server[] = []
const peers: Socket[] = []
afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy()
  for (const server of servers.splice(0)) server.close()
})

async function daemon(answer: Answer, path = join(folder, `s${sockets++}`)): Promise<string> {
  const server = createServer(socket => {
    peers.push(socket)
    socket.on('error', () => undefined)
    const splitter = new PacketSplitter()
    socket.on('data', chunk => {
      for (const call of splitter.push(chunk as Buffer)) {
        const bytes = polite(call, socket) ?? answer(call, socket)
        if (bytes !== undefined) socket.write(bytes)
      }
    })
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(path, resolve))
  return path
}

const open = (socketPath: string, events: unknown[] = []): Promise<Connection> =>
  Connection.open(
    {
      socketPath,
      clock: systemClock,
      onEvent: (procedure, body) => events.push({ procedure, first: body.int() }),
      onClose: () => undefined,
    },
    5000,
  )

describe('connection', () => {
  test('answers out of order reach their callers', async () => {
    const waiting: Buffer[] = []
    const path = await daemon((call, socket) => {
      waiting.unshift(reply(call, new XdrWriter().uhyper(BigInt(call.serial))))
      if (waiting.length === 3) for (const bytes of waiting) socket.write(bytes)
      return undefined
    })
    const connection = await open(path)
    const answers = await Promise.all([1, 2, 3].map(() => connection.call(procedures.version, undefined, 5000)))
    assert.deepEqual(
      answers,
      [...answers].sort((a, b) => a - b),
    )
    connection.close()
  })

  test("the daemon's error arrives with code, domain and words", async () => {
    const path = await daemon(call =>
      reply(
        call,
        new XdrWriter()
          .int(42)
          .int(10)
          .optional('no such domain', (w, t) => w.string(t)),
        1,
      ),
    )
    const connection = await open(path)
    await assert.rejects(
      connection.call(procedures.getState, domainById('11111111-1111-1111-1111-111111111111'), 5000),
      error => {
        assert.ok(error instanceof LibvirtError)
        assert.deepEqual([error.code, error.domain, error.message], [42, 10, 'no such domain'])
        return true
      },
    )
    connection.close()
  })

  test('whatever the daemon sends, every call ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.boolean(), async (bytes, isFramed) => {
        const path = await daemon((call, socket) => {
          const payload = Buffer.from(bytes)
          socket.end(isFramed ? encodePacket({ ...call, type: messageType.reply, status: 1, payload }) : payload)
          return undefined
        })
        const connection = await open(path)
        const call = connection.call(procedures.stats, { domains: [], stats: 1, flags: 0 }, 5000)
        await assert.rejects(call, error => HypervisorUnavailable.is(error) || error instanceof LibvirtError)
        connection.close()
      }),
      { numRuns: 50 },
    )
  })

  test('pings are answered, events delivered, and a lost connection fails the pending calls', async () => {
    const pongs: Packet[] = []
    const path = await daemon((call, socket) => {
      if (call.program === program.keepalive) {
        pongs.push(call)
        socket.destroy()
        return undefined
      }
      const event = {
        program: program.remote,
        procedure: 318,
        type: messageType.event,
        serial: 0,
        status: 0,
        payload: new XdrWriter().int(7).bytes(),
      }
      const ping = {
        program: program.keepalive,
        procedure: 1,
        type: messageType.event,
        serial: 0,
        status: 0,
        payload: Buffer.alloc(0),
      }
      return Buffer.concat([encodePacket(event), encodePacket(ping)])
    })
    const events: unknown[] = []
    const connection = await open(path, events)
    await assert.rejects(connection.call(procedures.version, undefined, 5000), HypervisorUnavailable.is)
    assert.deepEqual(events, [{ procedure: 318, first: 7 }])
    assert.equal(pongs[0]?.procedure, 2)
    await assert.rejects(connection.call(procedures.version, undefined, 5000), HypervisorUnavailable.is)
  })

  test('a call without an answer ends at its deadline, and its late answer harms nobody', async () => {
    const clock = new ManualClock()
    let first: Packet | undefined
    const path = await daemon(call => {
      if (first === undefined) {
        first = call
        return undefined
      }
      return Buffer.concat([reply(first, new XdrWriter().uhyper(1n)), reply(call, new XdrWriter().uhyper(2n))])
    })
    const connection = await Connection.open(
      { socketPath: path, clock, onEvent: () => undefined, onClose: () => undefined },
      5000,
    )
    const late = connection.call(procedures.version, undefined, 1000)
    await waitFor('the call to arrive', () => first, { deadlineMs: 30_000 })
    clock.advance(1000)
    await assert.rejects(late, HypervisorUnavailable.is)
    assert.equal(await connection.call(procedures.version, undefined, 1000), 2)
    connection.close()
  })

  test('a socket path longer than an address holds', async () => {
    const deep = join(folder, 'd'.repeat(120))
    mkdirSync(deep)
    // The server cannot bind so long a path either, except relative to where it stands.
    const before = process.cwd()
    process.chdir(deep)
    await daemon(call => reply(call, new XdrWriter().uhyper(9n)), 'sock')
    process.chdir(before)
    const connection = await open(join(deep, 'sock'))
    assert.equal(await connection.call(procedures.version, undefined, 5000), 9)
    connection.close()
  })
})

describe('client', () => {
  test('asks a question again when the connection breaks, and says that it connected again', async () => {
    let calls = 0
    const path = await daemon((call, socket) => {
      if (++calls === 1) {
        socket.destroy()
        return undefined
      }
      return reply(call, new XdrWriter().uhyper(5n))
    })
    const client = new LibvirtClient({ socketPath: path, clock: systemClock, log: silentLog })
    const kinds: string[] = []
    client.onEvent(event => kinds.push(event.kind))
    assert.equal(await client.call(procedures.version, undefined), 5)
    assert.deepEqual(kinds, ['reconnected'])
    client.close()
  })

  test('does not repeat a change', async () => {
    const path = await daemon((_call, socket) => {
      socket.destroy()
      return undefined
    })
    const client = new LibvirtClient({ socketPath: path, clock: systemClock, log: silentLog })
    await assert.rejects(client.call(procedures.define, { xml: '<x/>', flags: 0 }), HypervisorUnavailable.is)
    client.close()
    await assert.rejects(client.call(procedures.version, undefined))
  })
})
