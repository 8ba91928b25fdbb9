import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { MiB, newUuid } from '#base'
import type { DiskEncryption } from '../../guest-spec.ts'
import { inspectImage } from '../images/image-format.ts'
import { headerFor } from './disk-key.ts'
import { makeEncrypted } from './encrypted-disk.ts'
import { growDisk, virtualBytesOf } from './grow-disk.ts'
import { makeLuks } from './luks.ts'
import { isWritable, luksHeader } from './luks-header.ts'
import { createQcow2 } from './new-qcow2.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-luks-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const path = (name: string): string => join(folder, name)

const encryption = (secret: string, more: Partial<DiskEncryption> = {}): DiskEncryption => {
  writeFileSync(path('secret'), secret)
  return { format: 'luks', secretId: newUuid(), base64: Buffer.from(secret).toString('base64'), ...more }
}

/** QEMU itself opens it with the passphrase and does this; what it says. */
function io(options: string, ...commands: string[]): string {
  const secret = ['--object', `secret,id=key,file=${path('secret')}`]
  const args = [...secret, ...commands.flatMap(command => ['-c', command]), '--image-opts', options]
  const { stdout, stderr, status } = spawnSync('qemu-io', args, { encoding: 'utf8' })
  return status === 0 ? stdout : `failed: ${stdout}${stderr}`
}
const raw = (name: string) => `driver=luks,file.filename=${path(name)},key-secret=key`
const qcow2 = (name: string) => `driver=qcow2,file.filename=${path(name)},encrypt.key-secret=key`
const reads = (output: string) => assert.doesNotMatch(output, /failed/)

describe('LUKS headers', () => {
  for (const [cipher, keyBits] of [
    ['aes-xts-plain64', 512],
    ['aes-xts-plain64', 256],
    ['aes-cbc-plain64', 128],
    ['aes-cbc-essiv:sha256', 256],
  ] as const) {
    test(`of ${cipher} with ${keyBits} bits are opened by QEMU, and by nothing but the passphrase`, () => {
      encryption('right')
      const header = luksHeader(Buffer.from('right'), { cipher, keyBits })
      writeFileSync(path('disk'), header)
      truncateSync(path('disk'), header.length + MiB)
      reads(io(raw('disk'), 'write -P 7 0 64k', 'read -P 7 0 64k'))
      encryption('wrong')
      assert.match(io(raw('disk'), 'read 0 64k'), /Invalid password/)
    })
  }

  test('of ciphers that only QEMU knows are made by QEMU; a volume that is one already stays', async () => {
    encryption('volume')
    for (const [name, cipher] of [
      ['usual', null],
      ['rare', 'serpent-xts-plain64'],
    ] as const) {
      writeFileSync(path(name), '')
      truncateSync(path(name), 4 * MiB)
      const volume = { provider: 'luks', keyId: newUuid(), cipher, keySizeBits: 512 }
      await makeLuks(path(name), volume, Buffer.from('volume'))
      assert.equal(readFileSync(path(name)).length, 4 * MiB)
      reads(io(raw(name), 'write -P 7 0 64k'))
      await makeLuks(path(name), volume, Buffer.from('volume'))
      reads(io(raw(name), 'read -P 7 0 64k'))
    }
    assert.ok(!isWritable({ cipher: 'serpent-xts-plain64', keyBits: 512 }))
  })
})

describe('an encrypted disk', () => {
  test('over an image shows it, keeps what is written from everybody, and grows', async () => {
    writeFileSync(path('base'), Buffer.alloc(MiB, 3))
    const key = encryption('of the disk', { cipher: 'aes-cbc-essiv:sha256', keyBits: 256 })
    const backing = { file: path('base'), format: 'raw' } as const
    await createQcow2(path('over'), { virtualBytes: 4 * MiB, backing, luksHeader: headerFor(key) })
    reads(io(qcow2('over'), 'read -P 3 0 1M', 'read -P 0 1M 1M', 'write -P 0x41 0 64k', 'read -P 0x41 0 64k'))
    assert.ok(!readFileSync(path('over')).includes('A'.repeat(64)))
    assert.match(execFileSync('qemu-img', ['info', path('over')], { encoding: 'utf8' }), /encrypted: yes/)
    assert.equal(readFileSync(path('base')).length, MiB)
    await growDisk(path('over'), 'qcow2', 64 * MiB, Buffer.from('of the disk'))
    assert.equal(await virtualBytesOf(path('over'), 'qcow2'), 64 * MiB)
    reads(io(qcow2('over'), 'read -P 0x41 0 64k', 'read -P 0 63M 1M'))
    await assert.rejects(growDisk(path('over'), 'qcow2', 128 * MiB, Buffer.from('another')), /Invalid password/)
  })

  test('of its own is made from one with another passphrase, and each header has another key', async () => {
    writeFileSync(path('open, raw'), Buffer.alloc(MiB, 0x41))
    const first = encryption('first')
    const done = await makeEncrypted(path('first'), { path: path('open, raw'), format: 'raw' }, 2 * MiB, first)
    assert.equal(done.exitCode, 0, done.stderr)
    reads(io(qcow2('first'), 'read -P 0x41 0 1M', 'read -P 0 1M 1M'))
    assert.ok(!readFileSync(path('first')).includes('A'.repeat(64)))
    const second = encryption('second')
    const source = { path: path('first'), format: 'qcow2', passphrase: Buffer.from('first') } as const
    const again = await makeEncrypted(path('second'), source, 2 * MiB, second)
    assert.equal(again.exitCode, 0, again.stderr)
    reads(io(qcow2('second'), 'read -P 0x41 0 1M', 'read -P 0 1M 1M'))
    assert.match(io(qcow2('first'), 'read 0 1M'), /Invalid password/)
    const found = await inspectImage(path('second'))
    assert.deepEqual([found.format, found.isEncrypted, found.refusal], ['qcow2', true, undefined])
    assert.equal(found.virtualBytes, 2 * MiB)
    const wrong = { ...source, passphrase: Buffer.from('third') }
    assert.notEqual((await makeEncrypted(path('third'), wrong, 2 * MiB, second)).exitCode, 0)
  })
})
