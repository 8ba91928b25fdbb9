import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { MalformedMessage, XdrReader, XdrWriter } from './xdr.ts'

/** One written value and how to read it back. */
type Item = { write: (w: XdrWriter) => unknown; read: (r: XdrReader) => unknown; value: unknown }

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.integer().map(value => ({ write: (w: XdrWriter) => w.int(value), read: (r: XdrReader) => r.int(), value })),
  fc
    .nat({ max: 0xffff_ffff })
    .map(value => ({ write: (w: XdrWriter) => w.uint(value), read: (r: XdrReader) => r.uint(), value })),
  fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map(value => ({ write: (w: XdrWriter) => w.uhyper(value), read: (r: XdrReader) => r.uhyper(), value })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map(value => ({ write: (w: XdrWriter) => w.hyper(value), read: (r: XdrReader) => r.hyper(), value })),
  fc
    .double({ noNaN: true })
    .map(value => ({ write: (w: XdrWriter) => w.double(value), read: (r: XdrReader) => r.double(), value })),
  fc
    .string({ unit: 'grapheme' })
    .map(value => ({ write: (w: XdrWriter) => w.string(value), read: (r: XdrReader) => r.string(), value })),
  fc.option(fc.string(), { nil: undefined }).map(value => ({
    write: (w: XdrWriter) => w.optional(value, (o, text) => o.string(text)),
    read: (r: XdrReader) => r.optional(o => o.string()),
    value,
  })),
  fc.array(fc.integer()).map(value => ({
    write: (w: XdrWriter) => w.array(value, (o, n) => o.int(n)),
    read: (r: XdrReader) => r.array(o => o.int()),
    value,
  })),
)

describe('xdr', () => {
  test('reads back what was written, in multiples of four bytes', () => {
    fc.assert(
      fc.property(fc.array(item), items => {
        const writer = new XdrWriter()
        for (const { write } of items) write(writer)
        const bytes = writer.bytes()
        assert.equal(bytes.length % 4, 0)
        const reader = new XdrReader(Buffer.from(bytes))
        for (const { read, value } of items) assert.deepEqual(read(reader), value)
        assert.equal(reader.remaining, 0)
      }),
    )
  })

  test('garbage and cut-off input gives MalformedMessage or a value, never anything else', () => {
    const reads: ((r: XdrReader) => unknown)[] = [
      r => r.string(),
      r => r.array(x => x.string()),
      r => r.optional(x => x.opaque()),
      r => r.fixed(16),
      r => r.uhyper(),
    ]
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...reads), (bytes, read) => {
        try {
          read(new XdrReader(Buffer.from(bytes)))
        } catch (error) {
          assert.ok(error instanceof MalformedMessage, String(error))
        }
      }),
    )
  })

  test('a length that cannot be true allocates nothing', () => {
    const bytes = Buffer.from('ffffffff00000000', 'hex')
    assert.throws(() => new XdrReader(bytes).array(r => r.int()), MalformedMessage)
    assert.throws(() => new XdrReader(bytes).string(), MalformedMessage)
  })
})
