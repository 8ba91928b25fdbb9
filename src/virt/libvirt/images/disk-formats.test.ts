import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { GiB, MiB } from '#base'
import { growDisk, virtualBytesOf } from '../disks/grow-disk.ts'
import { createQcow2 } from '../disks/new-qcow2.ts'
import { formatOfDisk, recordFormat } from './disk-info.ts'
import { inspectImage } from './image-format.ts'
import { qcow2HeaderOf } from './qcow2-header.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-format-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' })
const path = (name: string): string => join(folder, name)

describe('image format', () => {
  for (const [format, name] of [
    ['qcow2', 'qcow2'],
    ['vmdk', 'vmdk'],
    ['vdi', 'vdi'],
    ['vhdx', 'vhdx'],
    ['vpc', 'vhd'],
    ['qed', 'qed'],
    ['raw', 'raw'],
  ] as const) {
    test(`${name} as qemu-img makes it`, async () => {
      qemuImg('create', '-q', '-f', format, path(name), '4M')
      assert.equal((await inspectImage(path(name))).format, name)
    })
  }

  test('what other hypervisors make says how large it is, and is refused when its data lies elsewhere', async () => {
    const types = ['streamOptimized', 'monolithicSparse']
    for (const [format, ...options] of [
      ['vmdk'],
      ['vmdk', '-o', 'subformat=streamOptimized'],
      ['vdi'],
      ['vdi', '-o', 'static=on'],
      ['vhdx'],
    ] as const) {
      qemuImg('create', '-q', '-f', format, ...options, path('foreign'), '8M')
      const { virtualBytes, refusal } = await inspectImage(path('foreign'), types)
      assert.deepEqual([format, virtualBytes, refusal], [format, 8 * MiB, undefined])
    }
    qemuImg('create', '-q', '-f', 'vpc', '-o', 'force_size=on', path('foreign'), '8M')
    assert.equal((await inspectImage(path('foreign'))).virtualBytes, 8 * MiB)
    const refusal = async (kinds = types) => (await inspectImage(path('foreign.vmdk'), kinds)).refusal
    qemuImg('create', '-q', '-f', 'vmdk', path('foreign.vmdk'), '8M')
    assert.equal(await refusal(['streamOptimized']), 'Invalid VMDK create-type specified')
    assert.equal(await refusal([]), 'Invalid VMDK create-type specified')
    const bytes = readFileSync(path('foreign.vmdk')).toString('latin1')
    writeFileSync(path('foreign.vmdk'), bytes.replace('SPARSE "foreign.vmdk"', 'SPARSE "/etc/passwd" '), 'latin1')
    assert.equal(await refusal(), 'its VMDK descriptor names other files')
    qemuImg('create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', path('foreign.vmdk'), '8M')
    assert.equal(await refusal(), 'this kind of VMDK is not accepted')
  })

  test('a partition table makes a raw disk no other format', async () => {
    const disk = Buffer.alloc(MiB)
    disk.write('EFI PART', 512)
    writeFileSync(path('gpt'), disk)
    assert.deepEqual(await inspectImage(path('gpt')), {
      format: 'gpt',
      virtualBytes: MiB,
      unpackedBytes: MiB,
      refusal: undefined,
    })
  })

  test('luks, iso, and nothing at all', async () => {
    writeFileSync(path('luks'), Buffer.from('LUKS\xba\xbe\0\x02', 'latin1'))
    assert.equal((await inspectImage(path('luks'))).format, 'luks')
    const iso = Buffer.alloc(0x9000)
    iso.write('CD001', 0x8001)
    writeFileSync(path('iso'), iso)
    assert.equal((await inspectImage(path('iso'))).format, 'iso')
    writeFileSync(path('empty'), '')
    assert.deepEqual(await inspectImage(path('empty')), {
      format: 'raw',
      virtualBytes: 0,
      unpackedBytes: 0,
      refusal: 'it is empty',
    })
  })

  test('a qcow2 says its size and what it unpacks to', async () => {
    const raw = path('half.raw')
    writeFileSync(raw, Buffer.concat([Buffer.alloc(MiB, 7), Buffer.alloc(MiB)]))
    for (const options of [[], ['-c'], ['-o', 'extended_l2=on'], ['-o', 'compat=0.10']]) {
      qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, path('half.qcow2'))
      const inspection = await inspectImage(path('half.qcow2'))
      assert.deepEqual(inspection, { format: 'qcow2', virtualBytes: 2 * MiB, unpackedBytes: MiB, refusal: undefined })
    }
  })

  test('encrypted, or with tables that are too few or shared, is refused', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', path('good'), '2G')
    const damaged = async (change: (bytes: Buffer) => unknown): Promise<string | undefined> => {
      const bytes = Buffer.concat([readFileSync(path('good')), Buffer.alloc(65_536)])
      change(bytes)
      writeFileSync(path('damaged'), bytes)
      return (await inspectImage(path('damaged'))).refusal
    }
    assert.equal(await damaged(bytes => bytes.writeUInt32BE(1, 32)), 'it is encrypted in a way that is not supported')
    assert.equal(await damaged(bytes => bytes.writeUInt32BE(1, 36)), 'its L1 table is too small for its virtual size')
    const allToOneTable = (bytes: Buffer) => {
      const l1 = Number(bytes.readBigUInt64BE(40))
      bytes.writeUInt32BE(4096, 36)
      for (let i = 0; i < 4096; i++) bytes.writeBigUInt64BE(0x10_000n, l1 + i * 8)
    }
    assert.equal(await damaged(allToOneTable), 'its L2 tables overlap')
  })

  test('garbage with a qcow2 magic never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(2, 3), async (bytes, version) => {
        const head = Buffer.alloc(8)
        head.write('QFI\xfb', 0, 'latin1')
        head.writeUInt32BE(version, 4)
        writeFileSync(path('garbage'), Buffer.concat([head, bytes]))
        assert.equal((await inspectImage(path('garbage'))).format, 'qcow2')
      }),
    )
  })
})

describe('overlay', () => {
  for (const gib of [1, 5, 4096, 8192]) {
    test(`of ${gib} GiB is what qemu-img would have made`, async () => {
      writeFileSync(path('base'), Buffer.alloc(MiB, 3))
      await createQcow2(path('disk'), {
        virtualBytes: gib * 1024 * MiB,
        backing: { file: path('base'), format: 'raw' },
      })
      const info = JSON.parse(qemuImg('info', '--output=json', path('disk'))) as Record<string, unknown>
      assert.equal(info['virtual-size'], gib * 1024 * MiB)
      assert.equal(info['backing-filename'], path('base'))
      assert.equal(info['backing-filename-format'], 'raw')
      assert.match(qemuImg('check', '-f', 'qcow2', path('disk')), /No errors were found/)
      assert.ok(statSync(path('disk')).blocks * 512 < MiB)
      if (gib === 1) {
        const read = execFileSync(
          'qemu-io',
          [
            '-f',
            'qcow2',
            '-c',
            'read -P 3 0 1M',
            '-c',
            'read -P 0 1M 1M',
            '-c',
            'write -P 9 0 64k',
            '-c',
            'read -P 9 0 64k',
            path('disk'),
          ],
          { encoding: 'utf8' },
        )
        assert.ok(!read.includes('verification failed'))
      }
    })
  }

  test('over a qcow2', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', path('base.qcow2'), '4M')
    await createQcow2(path('over'), { virtualBytes: 8 * MiB, backing: { file: path('base.qcow2'), format: 'qcow2' } })
    const info = JSON.parse(qemuImg('info', '--output=json', path('over'))) as Record<string, unknown>
    assert.equal(info['backing-filename-format'], 'qcow2')
    assert.match(qemuImg('check', '-f', 'qcow2', path('over')), /No errors were found/)
    assert.deepEqual(await qcow2HeaderOf(path('over')), { virtualBytes: 8 * MiB, backingFile: path('base.qcow2') })
    assert.equal(await qcow2HeaderOf(path('half.raw')), undefined)
  })
})

describe('growing', () => {
  test('a qcow2 and a raw disk, and neither ever shrinks', async () => {
    writeFileSync(path('base'), Buffer.alloc(MiB, 3))
    await createQcow2(path('grown'), { virtualBytes: 4 * MiB, backing: { file: path('base'), format: 'raw' } })
    writeFileSync(path('grown.raw'), Buffer.alloc(4 * MiB, 1))
    for (const [name, format] of [
      ['grown', 'qcow2'],
      ['grown.raw', 'raw'],
    ] as const) {
      // 1 TiB needs a larger L1 table.
      for (const bytes of [8 * MiB, 1024 * GiB, 4 * MiB]) await growDisk(path(name), format, bytes)
      assert.equal(await virtualBytesOf(path(name), format), 1024 * GiB)
    }
    assert.match(qemuImg('check', '-f', 'qcow2', path('grown')), /No errors were found/)
    assert.equal(readFileSync(path('base')).length, MiB)
  })

  test('a file system without partitions grows with its raw disk, also when the first attempt was cut off', async () => {
    const disk = path('ext')
    writeFileSync(disk, '')
    truncateSync(disk, 8 * MiB)
    execFileSync('mkfs.ext4', ['-q', '-F', disk])
    truncateSync(disk, 32 * MiB)
    const blocks = () => /Block count:\s+(\d+)/.exec(execFileSync('dumpe2fs', ['-h', disk], { encoding: 'utf8' }))?.[1]
    const before = Number(blocks())
    await growDisk(disk, 'raw', 32 * MiB)
    assert.equal(Number(blocks()), before * 4)
  })
})

describe('disk.info', () => {
  test('tells what a disk is, whatever the guest has written on it', async () => {
    const disk = path('disk')
    assert.equal(formatOfDisk(disk), 'qcow2')
    await recordFormat(disk, 'raw')
    writeFileSync(disk, Buffer.from('QFI\xfb', 'latin1'))
    assert.equal(formatOfDisk(disk), 'raw')
    await recordFormat(path('disk.eph0'), 'qcow2')
    await recordFormat(disk, 'raw')
    assert.deepEqual(JSON.parse(readFileSync(path('disk.info'), 'utf8')), {
      [disk]: 'raw',
      [path('disk.eph0')]: 'qcow2',
    })
  })
})
