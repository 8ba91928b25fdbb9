import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { MiB, newUuid, silentLog } from '#base'
import { DiskFull, FlavorDiskTooSmall } from '../../faults.ts'
import type { GuestImage } from '../../guest-spec.ts'
import { ImageCache } from './image-cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-cache-'))
const small = join(folder, 'small')

before(() => {
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'nova-test', small])
})
after(() => {
  execFileSync('umount', [small])
  rmSync(folder, { recursive: true, force: true })
})

const image = (sizeBytes: number, overrides: Partial<GuestImage> = {}): GuestImage => ({
  id: newUuid(),
  name: null,
  diskFormat: 'raw',
  containerFormat: 'bare',
  sizeBytes,
  checksum: null,
  hashAlgorithm: null,
  hashValue: null,
  minDiskGiB: 0,
  minRamMiB: 0,
  properties: {},
  ...overrides,
})

async function* bits(count: number, fill: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(MiB, fill)
}

const cacheOn = (path: string, download: () => AsyncIterable<Uint8Array>): ImageCache =>
  new ImageCache({ folder: path, source: { download: async () => download() }, log: silentLog })

describe('image cache', () => {
  test('an image that the file system cannot hold is refused before it is asked for', async () => {
    let downloads = 0
    const cache = cacheOn(small, () => {
      downloads++
      return bits(1, 1)
    })
    await assert.rejects(cache.base(image(200 * MiB), 0), DiskFull.is)
    assert.equal(downloads, 0)
    assert.deepEqual(readdirSync(small), [])
  })

  test('a file system that fills up on the way leaves nothing', async () => {
    // Room for the image and the reserve now, but somebody else is faster.
    const cache = cacheOn(small, async function* () {
      execFileSync('sh', ['-c', `head -c 75m /dev/zero > ${join(folder, 'small', 'other')} || true`])
      yield* bits(10, 1)
    })
    await assert.rejects(cache.base(image(10 * MiB), 0), DiskFull.is)
    assert.deepEqual(readdirSync(small), ['other'])
    rmSync(join(small, 'other'))
  })

  test('a small qcow2 that unpacks to more than there is', async () => {
    const raw = join(folder, 'ones.raw')
    execFileSync('sh', ['-c', `head -c 100m /dev/zero | tr '\\0' x > ${raw}`])
    const bomb = join(folder, 'bomb.qcow2')
    execFileSync('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', raw, bomb])
    const cache = new ImageCache({
      folder: small,
      source: { download: async () => bits(0, 0), localPath: async () => bomb },
      log: silentLog,
    })
    await assert.rejects(cache.base(image(statSync(bomb).size, { diskFormat: 'qcow2' }), 0), DiskFull.is)
    assert.deepEqual(readdirSync(small), [])
  })

  test('two at once, of which one has too small a flavor: the other gets its image', async () => {
    const path = join(folder, 'plenty')
    const cache = cacheOn(path, () => bits(4, 1))
    await cache.start()
    const one = image(4 * MiB)
    const [small, large] = await Promise.allSettled([cache.base(one, MiB), cache.base(one, 8 * MiB)])
    assert.ok(small.status === 'rejected' && FlavorDiskTooSmall.is(small.reason))
    assert.ok(large.status === 'fulfilled' && large.value.virtualBytes === 4 * MiB)
    assert.equal(readdirSync(path).length, 1)
  })

  test('bits that are not signed as they should be, or not those of the record, are not kept, wherever they lie', async () => {
    const path = join(folder, 'signed')
    const local = join(folder, 'local')
    writeFileSync(local, Buffer.alloc(MiB, 1))
    let isGood = false
    const seen = { bytes: 0 }
    const verifier = async () => ({
      update: (chunk: Uint8Array) => {
        seen.bytes += chunk.length
      },
      verify: () => {
        if (!isGood) throw new Error('not signed')
      },
    })
    for (const more of [{}, { localPath: async () => local }]) {
      const source = { download: async () => bits(1, 1), verifier, ...more }
      const cache = new ImageCache({ folder: path, source, log: silentLog })
      await cache.start()
      const one = image(MiB)
      isGood = false
      await assert.rejects(cache.base(one, 0), /not signed/)
      assert.deepEqual(readdirSync(path), [])
      await assert.rejects(cache.base({ ...one, checksum: '0'.repeat(32) }, 0), /checksum/)
      isGood = true
      seen.bytes = 0
      await cache.base(one, 0)
      assert.equal(seen.bytes, MiB)
      rmSync(path, { recursive: true })
    }
  })

  test('zeros become holes', async () => {
    const path = join(folder, 'holes')
    const cache = cacheOn(path, () => bits(8, 0))
    await cache.start()
    const base = await cache.base(image(8 * MiB), 0)
    assert.equal(execFileSync('du', ['-k', base.path], { encoding: 'utf8' }).split('\t')[0], '0')
  })

  test('a VHD of fixed size is what lies before its footer; a raw disk may end like one', async () => {
    const [raw, vhd] = [join(folder, 'fixed.raw'), join(folder, 'fixed.vhd')]
    const content = Buffer.alloc(8 * MiB, 'what the guest sees ')
    writeFileSync(raw, content)
    const options = 'subformat=fixed,force_size=on'
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', '-o', options, raw, vhd])
    const base = async (bytes: Buffer, diskFormat: string) => {
      const into = mkdtempSync(join(folder, 'fixed-'))
      const made = await cacheOn(into, async function* () {
        yield bytes
      }).base(image(bytes.length, { diskFormat }), 0)
      return readFileSync(made.path)
    }
    const bytes = readFileSync(vhd)
    assert.ok((await base(bytes, 'vhd')).equals(content))
    assert.ok((await base(bytes, 'raw')).equals(bytes))
    const footer = bytes.length - 512
    const changed = (...at: readonly number[]) => {
      const copy = Buffer.from(bytes)
      for (const offset of at) copy.writeUInt8((copy.readUInt8(footer + offset) + 1) % 256, footer + offset)
      return copy
    }
    await assert.rejects(base(changed(0), 'vhd'), /its content is raw, but its disk_format says vhd/)
    await assert.rejects(base(changed(70), 'vhd'), /its VHD footer is damaged/)
    await assert.rejects(base(changed(63), 'vhd'), /its footer is not that of a fixed disk/)
    await assert.rejects(base(bytes.subarray(MiB), 'vhd'), /it is shorter than its VHD footer says/)
  })
})
