import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { unpackQcow2 } from './qcow2.ts'

const folder = mkdtempSync(join(tmpdir(), 'qcow2-'))
after(() => rmSync(folder, { recursive: true }))

const clusterBits = 16
const cluster = 2 ** clusterBits
const size = 4 * cluster + 1000
const never = new AbortController().signal

/** Header, first and second table, then: one plain cluster, a hole, a packed cluster, a zero cluster, a short last one. */
function image(edit: (bytes: Buffer) => void = () => undefined): { bytes: Buffer; disk: Buffer } {
  const disk = Buffer.alloc(size)
  const [plain, packed, last] = [
    Buffer.alloc(cluster, 'plain '),
    Buffer.alloc(cluster, 'packed '),
    Buffer.alloc(cluster, 'last '),
  ]
  plain.copy(disk, 0)
  packed.copy(disk, 2 * cluster)
  last.copy(disk, 4 * cluster, 0, 1000)
  const small = deflateRawSync(packed)
  const bytes = Buffer.alloc(6 * cluster)
  bytes.writeUInt32BE(0x514649fb, 0)
  bytes.writeUInt32BE(3, 4)
  bytes.writeUInt32BE(clusterBits, 20)
  bytes.writeBigUInt64BE(BigInt(size), 24)
  bytes.writeUInt32BE(1, 36)
  bytes.writeBigUInt64BE(BigInt(cluster), 40)
  bytes.writeUInt32BE(104, 100)
  bytes.writeBigUInt64BE(BigInt(2 * cluster) | (1n << 63n), cluster)
  const entry = (index: number, value: bigint) => bytes.writeBigUInt64BE(value, 2 * cluster + index * 8)
  entry(0, BigInt(3 * cluster) | (1n << 63n))
  plain.copy(bytes, 3 * cluster)
  const at = 4 * cluster + 100
  const sectors = Math.ceil((100 + small.length) / 512)
  entry(2, (1n << 62n) | (BigInt(sectors - 1) << BigInt(62 - (clusterBits - 8))) | BigInt(at))
  small.copy(bytes, at)
  bytes.fill('garbage', at + small.length, 5 * cluster)
  entry(3, 1n)
  entry(4, BigInt(5 * cluster))
  last.copy(bytes, 5 * cluster)
  edit(bytes)
  return { bytes, disk }
}

async function unpacked(name: string, bytes: Buffer, limit = 10 * cluster): Promise<Buffer> {
  const [packed, target] = [join(folder, name), join(folder, `${name}.raw`)]
  writeFileSync(packed, bytes)
  await unpackQcow2(packed, target, limit, never)
  return readFileSync(target)
}

test('plain, packed, zero and missing clusters become the disk, and holes stay holes', async () => {
  const { bytes, disk } = image()
  assert.ok((await unpacked('good', bytes)).equals(disk))
  assert.ok(statSync(join(folder, 'good.raw')).blocks * 512 < size)
})

const refusals: readonly [string, (bytes: Buffer) => void, RegExp][] = [
  ['no qcow2', b => b.writeUInt32BE(1, 0), /no qcow2/],
  ['another version', b => b.writeUInt32BE(4, 4), /version 4/],
  ['a backing file', b => b.writeBigUInt64BE(512n, 8), /backing file/],
  ['encryption', b => b.writeUInt32BE(2, 32), /encrypted/],
  ['a data file', b => b.writeBigUInt64BE(4n, 72), /data file/],
  ['zstd', b => b.writeBigUInt64BE(8n, 72), /features/],
  ['clusters of no size', b => b.writeUInt32BE(40, 20), /corrupt/],
  ['too short a first table', b => b.writeUInt32BE(0, 36), /corrupt/],
  ['a first table outside', b => b.writeBigUInt64BE(1n << 50n, 40), /corrupt/],
  ['a second table outside', b => b.writeBigUInt64BE(1n << 50n, cluster), /corrupt/],
  ['a cluster outside', b => b.writeBigUInt64BE(1n << 50n, 2 * cluster), /corrupt/],
  ['a packed cluster of garbage', b => b.fill(0xff, 4 * cluster), /corrupt/],
]
for (const [name, edit, words] of refusals) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(unpacked(name.replaceAll(' ', '-'), image(edit).bytes), words)
  })
}

test('refused: larger than the volume', async () => {
  await assert.rejects(unpacked('large', image().bytes, cluster), /larger than the volume/)
})
