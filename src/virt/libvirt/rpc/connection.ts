import { closeSync, constants, openSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import type { Clock } from '#base'
import { HypervisorUnavailable } from '../../faults.ts'
import { readError } from './errors.ts'
import {
  encodePacket,
  keepaliveProcedure,
  messageStatus,
  messageType,
  type Packet,
  PacketSplitter,
  program,
} from './packet.ts'
import { type Procedure, procedures } from './procedures.ts'
import { MalformedMessage, XdrReader, XdrWriter } from './xdr.ts'

interface PendingCall {
  resolve(payload: Buffer): void
  reject(error: unknown): void
  cancelTimer(): void
}

export interface ConnectionOptions {
  readonly socketPath: string
  readonly clock: Clock
  /** A message the daemon sent by itself: the number of the event and its body. */
  readonly onEvent: (procedure: number, body: XdrReader) => void
  readonly onClose: (reason: string) => void
}

const remoteAuthNone = 0
/** sun_path holds 108 bytes with the closing zero. */
const maxSocketPathBytes = 107

/**
 * One connection to the daemon, authenticated and opened on `qemu:///system`. Calls are matched to replies by serial, so
 * any number may be in flight. Once it is closed, for whatever reason, every pending and later call fails with
 * HypervisorUnavailable; a new connection is the business of the client.
 */
export class Connection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #splitter = new PacketSplitter()
  readonly #pending = new Map<number, PendingCall>()
  #serial = 0
  #closed: string | undefined

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('data', chunk => this.#receive(chunk as Buffer))
    socket.on('error', error => this.#end(error.message))
    socket.on('close', () => this.#end('the daemon closed the connection'))
  }

  static async open(options: ConnectionOptions, timeoutMs: number): Promise<Connection> {
    const connection = new Connection(await dial(options.socketPath), options)
    try {
      const kinds = await connection.call(procedures.authList, undefined, timeoutMs)
      if (!kinds.includes(remoteAuthNone)) {
        throw HypervisorUnavailable({
          reason: `${options.socketPath} asks for an authentication that is not supported`,
        })
      }
      await connection.call(procedures.open, { uri: 'qemu:///system', flags: 0 }, timeoutMs)
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  async call<A, R>(procedure: Procedure<A, R>, args: A, timeoutMs: number): Promise<R> {
    const writer = new XdrWriter()
    procedure.write(writer, args)
    const payload = await this.#roundTrip(procedure, writer.bytes(), timeoutMs)
    try {
      return procedure.read(new XdrReader(payload))
    } catch (error) {
      if (error instanceof MalformedMessage) this.#end(`unreadable reply to ${procedure.name}: ${error.message}`)
      throw HypervisorUnavailable({ reason: `unreadable reply to ${procedure.name}` }, { cause: error })
    }
  }

  #roundTrip(
    procedure: { name: string; program: number; number: number },
    body: Buffer,
    timeoutMs: number,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(HypervisorUnavailable({ reason: this.#closed }))
      const serial = this.#nextSerial()
      const cancelTimer = this.#options.clock.after(timeoutMs, () => {
        this.#pending.delete(serial)
        reject(HypervisorUnavailable({ reason: `no answer to ${procedure.name} within ${timeoutMs} ms` }))
      })
      this.#pending.set(serial, { resolve, reject, cancelTimer })
      this.#socket.write(
        encodePacket({
          program: procedure.program,
          procedure: procedure.number,
          type: messageType.call,
          serial,
          status: messageStatus.ok,
          payload: body,
        }),
      )
    })
  }

  #nextSerial(): number {
    do this.#serial = (this.#serial + 1) >>> 0
    while (this.#serial === 0 || this.#pending.has(this.#serial))
    return this.#serial
  }

  #receive(chunk: Buffer): void {
    try {
      for (const packet of this.#splitter.push(chunk)) this.#dispatch(packet)
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      this.#end(`unreadable message: ${error.message}`)
    }
  }

  #dispatch(packet: Packet): void {
    if (packet.program === program.keepalive) return this.#keepalive(packet)
    if (packet.type === messageType.event) return this.#options.onEvent(packet.procedure, new XdrReader(packet.payload))
    if (packet.type !== messageType.reply) return
    // A reply nobody waits for belongs to a call that ran into its deadline.
    const call = this.#pending.get(packet.serial)
    if (call === undefined) return
    // Read before the call leaves the list: if it is unreadable, closing the connection fails the call.
    const error = packet.status === messageStatus.ok ? undefined : readError(new XdrReader(packet.payload))
    this.#pending.delete(packet.serial)
    call.cancelTimer()
    if (error === undefined) call.resolve(packet.payload)
    else call.reject(error)
  }

  #keepalive(packet: Packet): void {
    if (packet.procedure !== keepaliveProcedure.ping) return
    const pong = { ...packet, procedure: keepaliveProcedure.pong, payload: Buffer.alloc(0) }
    this.#socket.write(encodePacket(pong))
  }

  close(): void {
    this.#end('closed')
  }

  #end(reason: string): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    this.#socket.destroy()
    for (const call of this.#pending.values()) {
      call.cancelTimer()
      call.reject(HypervisorUnavailable({ reason }))
    }
    this.#pending.clear()
    this.#options.onClose(reason)
  }
}

/** Connects to a unix socket, also when its path is longer than the kernel's address holds. */
async function dial(socketPath: string): Promise<Socket> {
  if (Buffer.byteLength(socketPath) <= maxSocketPathBytes) return dialPath(socketPath, socketPath)
  let folder: number
  try {
    folder = openSync(dirname(socketPath), constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    throw HypervisorUnavailable({ reason: `${socketPath}: ${(error as Error).message}` })
  }
  try {
    return await dialPath(`/proc/self/fd/${folder}/${basename(socketPath)}`, socketPath)
  } finally {
    closeSync(folder)
  }
}

const dialPath = (path: string, shown: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ path })
    const onError = (error: Error) =>
      reject(HypervisorUnavailable({ reason: `${shown}: ${error.message}` }, { cause: error }))
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.off('error', onError)
      resolve(socket)
    })
  })
