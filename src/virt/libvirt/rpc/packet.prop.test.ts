import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { encodePacket, type Packet, PacketSplitter } from './packet.ts'
import { MalformedMessage } from './xdr.ts'

const packet: fc.Arbitrary<Packet> = fc.record({
  program: fc.nat({ max: 0xffff_ffff }),
  procedure: fc.nat({ max: 500 }),
  type: fc.nat({ max: 3 }),
  serial: fc.nat({ max: 0xffff_ffff }),
  status: fc.nat({ max: 2 }),
  payload: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
})

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map(p => p % (bytes.length + 1)))].sort((a, b) => a - b)
  const edges = [0, ...at, bytes.length]
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
}

describe('packets', () => {
  test('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 8 }), fc.array(fc.nat()), (packets, places) => {
        const splitter = new PacketSplitter()
        const out = cut(Buffer.concat(packets.map(encodePacket)), places).flatMap(chunk => splitter.push(chunk))
        assert.deepEqual(
          out.map(p => ({ ...p, payload: p.payload.toString('hex') })),
          packets.map(p => ({ ...p, payload: p.payload.toString('hex') })),
        )
      }),
    )
  })

  test('garbage is refused or waited upon, never anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), chunks => {
        const splitter = new PacketSplitter()
        try {
          for (const chunk of chunks) splitter.push(Buffer.from(chunk))
        } catch (error) {
          assert.ok(error instanceof MalformedMessage, String(error))
        }
      }),
    )
  })

  test('a packet larger than libvirt allows is refused by its length alone', () => {
    assert.throws(() => new PacketSplitter().push(Buffer.from('7fffffff', 'hex')), MalformedMessage)
    assert.throws(() => new PacketSplitter().push(Buffer.from('00000003', 'hex')), MalformedMessage)
  })
})
