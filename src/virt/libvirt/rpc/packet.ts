import { MalformedMessage, XdrWriter } from './xdr.ts'

/** Programs multiplexed over one socket. */
export const program = { remote: 0x20008086, qemu: 0x20008087, keepalive: 0x6b656570 } as const
export const messageType = { call: 0, reply: 1, event: 2, stream: 3, callWithFds: 4, replyWithFds: 5 } as const
export const messageStatus = { ok: 0, error: 1, continue: 2 } as const
export const keepaliveProcedure = { ping: 1, pong: 2 } as const

const protocolVersion = 1
const headerBytes = 28
/** libvirt's VIR_NET_MESSAGE_MAX plus the length word. */
export const maxPacketBytes = 32 * 1024 * 1024 + 4

export interface Packet {
  readonly program: number
  readonly procedure: number
  readonly type: number
  readonly serial: number
  readonly status: number
  readonly payload: Buffer
}

export function encodePacket(packet: Packet): Buffer {
  const writer = new XdrWriter()
    .uint(headerBytes + packet.payload.length)
    .uint(packet.program)
    .uint(protocolVersion)
    .int(packet.procedure)
    .int(packet.type)
    .uint(packet.serial)
    .int(packet.status)
  return Buffer.concat([writer.bytes(), packet.payload])
}

function decodePacket(frame: Buffer): Packet {
  const version = frame.readUInt32BE(8)
  if (version !== protocolVersion) throw new MalformedMessage(`protocol version ${version}`)
  return {
    program: frame.readUInt32BE(4),
    procedure: frame.readInt32BE(12),
    type: frame.readInt32BE(16),
    serial: frame.readUInt32BE(20),
    status: frame.readInt32BE(24),
    payload: frame.subarray(headerBytes),
  }
}

/**
 * Cuts a byte stream into packets, however the bytes arrive. After it threw, the stream is out of step for good: the
 * caller closes the connection.
 */
export class PacketSplitter {
  #chunks: Buffer[] = []
  #buffered = 0
  /** Length of the packet at the front, 0 while its length word is incomplete. */
  #frameBytes = 0

  push(chunk: Buffer): Packet[] {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    const packets: Packet[] = []
    for (let frame = this.#cut(); frame !== undefined; frame = this.#cut()) packets.push(decodePacket(frame))
    return packets
  }

  #cut(): Buffer | undefined {
    if (this.#frameBytes === 0) {
      if (this.#buffered < 4) return undefined
      const length = this.#front(4).readUInt32BE(0)
      if (length < headerBytes || length > maxPacketBytes) throw new MalformedMessage(`packet of ${length} bytes`)
      this.#frameBytes = length
    }
    if (this.#buffered < this.#frameBytes) return undefined
    const all = this.#front(this.#frameBytes)
    const frame = all.subarray(0, this.#frameBytes)
    const rest = all.subarray(this.#frameBytes)
    if (rest.length > 0) this.#chunks[0] = rest
    else this.#chunks.shift()
    this.#buffered -= this.#frameBytes
    this.#frameBytes = 0
    return frame
  }

  /** Joins chunks until the first one holds at least `bytes`. */
  #front(bytes: number): Buffer {
    const first = this.#chunks[0]
    if (first !== undefined && first.length >= bytes) return first
    const joined = Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }
}
