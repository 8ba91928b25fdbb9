import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { GiB, MiB, waitFor } from '#base'
import { type GuestSpec, power, type SnapshotWish, type VirtDriver } from '#virt'
import { aGuestSpec, type Bench, consoleShows, lifecycleTests, snapshotTests } from '#virt/conformance'
import type { StorageOptions } from '#virt/libvirt'
import { type LibvirtBench, libvirtBench } from './libvirt-bench.ts'
import { encryptionTests } from './libvirt-encryption.ts'

/** Snapshots, kinds of disks and the image cache of the libvirt driver, looked at from outside. */

const taker = fileURLToPath(new URL('snapshot-taker.ts', import.meta.url))
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' })

describe('disks and snapshots of libvirt guests', () => {
  let bench: LibvirtBench
  before(async () => {
    bench = await libvirtBench()
  })
  after(() => bench.close())

  const withStorage = async (t: TestContext, storage: StorageOptions): Promise<VirtDriver> => {
    const driver = await bench.open({ storage })
    t.after(() => driver.close())
    return driver
  }
  /** Less to copy. */
  const asLargeAsItsImage = (image = bench.image): GuestSpec =>
    aGuestSpec(bench, { image, flavor: { ...aGuestSpec(bench).flavor, rootGiB: 0 } })
  const fileOf = (spec: GuestSpec, name: string): string => join(bench.instancesPath, spec.id, name)
  const info = (path: string): Record<string, unknown> =>
    JSON.parse(run('qemu-img', 'info', '-U', '--output=json', path)) as Record<string, unknown>
  const virsh = (...args: string[]): string =>
    run('virsh', '-c', `qemu+unix:///system?socket=${bench.daemon.socketPath}`, ...args)
  const isFrozen = (spec: GuestSpec): boolean =>
    virsh('qemu-agent-command', spec.id, '{"execute":"guest-fsfreeze-status"}').includes('frozen')
  const snapshotFolders = (): string[] => {
    const path = join(bench.instancesPath, 'snapshots')
    return existsSync(path) ? readdirSync(path) : []
  }

  /** The snapshot as a file, and what it says to be. */
  async function save(driver: VirtDriver, spec: GuestSpec, wish: SnapshotWish = {}) {
    const snapshot = await driver.snapshots?.take(spec.id, wish)
    if (snapshot === undefined) throw new Error('no snapshots')
    const path = join(bench.images.folder, `${randomBytes(4).toString('hex')}.${snapshot.diskFormat}`)
    await using file = await open(path, 'wx')
    for await (const chunk of snapshot.bits) await file.writeFile(chunk)
    await snapshot.release()
    return { path, diskFormat: snapshot.diskFormat }
  }

  /** Whether the journal of the guest's root file system, its second partition, would have to be replayed. */
  async function needsRecovery(disk: string): Promise<boolean> {
    await using file = await open(disk)
    const table = Buffer.alloc(512)
    await file.read(table, 0, 512, 0)
    const superblock = Buffer.alloc(1024)
    await file.read(superblock, 0, 1024, table.readUInt32LE(446 + 16 + 8) * 512 + 1024)
    assert.equal(superblock.readUInt16LE(0x38), 0xef53)
    return (superblock.readUInt32LE(0x60) & 4) !== 0
  }

  describe('a booted guest', () => {
    test('is copied while it runs, quiesced if asked, and whole', async t => {
      const raw = await withStorage(t, { snapshotFormat: 'raw' })
      const spec = asLargeAsItsImage()
      const guest = bench.driver.guest(spec.id)
      await guest.spawn(spec)
      await consoleShows(bench, spec.id, 'guest: ready')
      const plain = await save(raw, spec)
      assert.ok(await needsRecovery(plain.path))
      const quiesced = await save(raw, spec, { quiesce: 'required' })
      assert.equal(quiesced.diskFormat, 'raw')
      assert.ok(!(await needsRecovery(quiesced.path)))
      assert.ok(!isFrozen(spec))

      // Nothing changes any more: the copy is the disk.
      await guest.pause()
      const live = await save(bench.driver, spec)
      assert.equal((await guest.state()).power, power.paused)
      assert.equal(live.diskFormat, 'qcow2')
      assert.equal(info(live.path)['backing-filename'], undefined)
      assert.equal(info(live.path)['virtual-size'], info(fileOf(spec, 'disk'))['virtual-size'])
      run('qemu-img', 'check', '-f', 'qcow2', live.path)
      run('qemu-img', 'compare', '-U', '-f', 'qcow2', '-F', 'qcow2', live.path, fileOf(spec, 'disk'))
      await guest.resume()

      // For copies that others make.
      await bench.driver.quiesce?.freeze(spec.id, 120_000)
      assert.ok(isFrozen(spec))
      await bench.driver.quiesce?.thaw(spec.id)
      assert.ok(!isFrozen(spec))
      await bench.driver.quiesce?.freeze(spec.id, 1)
      await waitFor('the guest to go on by itself', () => (isFrozen(spec) ? undefined : true), { deadlineMs: 60_000 })
      // A mark that goes late would be the next one's.
      await waitFor('the mark to go', () => !existsSync(fileOf(spec, 'frozen')), { deadlineMs: 60_000 })

      // As a process leaves it that dies between freeze and thaw.
      writeFileSync(fileOf(spec, 'frozen'), '')
      virsh('domfsfreeze', spec.id)
      assert.ok(isFrozen(spec))
      await withStorage(t, {})
      await waitFor('the guest to be thawed', () => (isFrozen(spec) ? undefined : true), { deadlineMs: 60_000 })
      await waitFor('the mark to go', () => !existsSync(fileOf(spec, 'frozen')), { deadlineMs: 60_000 })
      await guest.destroy()
      assert.deepEqual(await bench.leftovers(spec.id), [])
    })
  })

  test('kill -9 while a snapshot is taken leaves no job and no file', async t => {
    const image = bench.images.add(randomBytes(192 * MiB), { diskFormat: 'raw' })
    const spec = aGuestSpec(bench, { image })
    await bench.driver.guest(spec.id).spawn(spec)
    const child = spawn(process.execPath, [taker, bench.daemon.socketPath, bench.instancesPath, spec.id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    const isTaken = new Promise<'taken'>(resolve => child.stdout.once('data', () => resolve('taken')))
    const begun = waitFor(
      'the copy to begin',
      () => snapshotFolders().find(name => readdirSync(join(bench.instancesPath, 'snapshots', name)).length > 0),
      { deadlineMs: 60_000, everyMs: 1 },
    )
    assert.notEqual(await Promise.race([begun, isTaken]), 'taken')
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    assert.equal(snapshotFolders().length, 1)
    await withStorage(t, {})
    assert.deepEqual(snapshotFolders(), [])
    assert.match(virsh('domjobinfo', spec.id), /None/)
    const again = await save(bench.driver, spec)
    run('qemu-img', 'compare', '-U', '-f', 'qcow2', '-F', 'qcow2', again.path, fileOf(spec, 'disk'))
    await bench.driver.guest(spec.id).destroy()
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('a snapshot that is no longer wanted, or whose guest goes, ends at once', async () => {
    const image = bench.images.add(randomBytes(64 * MiB), { diskFormat: 'raw' })
    const spec = aGuestSpec(bench, { image })
    const guest = bench.driver.guest(spec.id)
    await guest.spawn(spec)
    const reason = new Error('no longer wanted')
    await assert.rejects(save(bench.driver, spec, { signal: AbortSignal.abort(reason) }), reason)
    const stop = new AbortController()
    const taking = save(bench.driver, spec, { signal: stop.signal })
    const destroyed = guest.destroy()
    stop.abort(reason)
    await assert.rejects(taking, reason)
    await destroyed
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('formats of snapshots', async t => {
    const content = Buffer.concat([randomBytes(MiB), Buffer.alloc(3 * MiB, 7)])
    const image = bench.images.add(content, { diskFormat: 'raw' })
    const spec = asLargeAsItsImage(image)
    const guest = bench.driver.guest(spec.id)
    await guest.spawn(spec)
    const original = join(bench.images.folder, 'original.raw')
    writeFileSync(original, content)
    const isSame = (path: string, format: string) =>
      run('qemu-img', 'compare', '-U', '-f', 'raw', '-F', format, original, path)
    for (const isOn of [true, false]) {
      if (!isOn) await guest.stop('now')
      for (const format of ['vmdk', 'vdi', 'raw'] as const) {
        const driver = await withStorage(t, { snapshotFormat: format })
        const { path, diskFormat } = await save(driver, spec)
        assert.equal(diskFormat, format)
        isSame(path, format)
      }
      const compressed = await save(await withStorage(t, { compressesSnapshots: true }), spec)
      isSame(compressed.path, 'qcow2')
      assert.ok(statSync(compressed.path).size < 2 * MiB)
    }
    await guest.destroy()
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('flat disks stand alone, whole and as large as the flavor says', async t => {
    const image = bench.images.add(randomBytes(8 * MiB), { diskFormat: 'raw' })
    const driver = await withStorage(t, { rootDisks: 'flat' })
    const large = aGuestSpec(bench, { image })
    await driver.guest(large.id).spawn(large)
    assert.equal(statSync(fileOf(large, 'disk')).size, GiB)
    assert.ok(statSync(fileOf(large, 'disk')).blocks * 512 < 16 * MiB)
    assert.equal(statSync(fileOf(large, 'disk')).mode & 0o777, 0o600)
    await driver.guest(large.id).destroy()
    const spec = asLargeAsItsImage(image)
    const guest = driver.guest(spec.id)
    await guest.spawn(spec)
    const disk = fileOf(spec, 'disk')
    assert.match(virsh('dumpxml', spec.id), /<driver name='qemu' type='raw' cache='\w+'\/>\s*<source file='[^']*disk'/)
    const live = await save(driver, spec)
    assert.equal(live.diskFormat, 'raw')
    run('qemu-img', 'compare', '-U', '-f', 'raw', '-F', 'raw', live.path, disk)
    await guest.stop('now')

    // The guest puts the header of another format on its disk: it stays what it is, and nobody is given it as a raw image.
    const qcow2 = join(bench.images.folder, 'evil.qcow2')
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', qcow2, '1M')
    writeSync(openSync(disk, 'r+'), readFileSync(qcow2).subarray(0, 4096), 0, 4096, 0)
    await assert.rejects(save(driver, spec), /looks like a qcow2/)
    // Another driver, with other options: the disk is still a raw one.
    await bench.driver.guest(spec.id).start(spec)
    assert.match(virsh('dumpxml', spec.id), /type='raw' cache='\w+'\/>\s*<source file='[^']*disk'/)
    await guest.destroy()
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('without force_raw_images a qcow2 stays one, below an overlay and as a copy', async t => {
    const path = join(bench.images.folder, 'kept.qcow2')
    run('qemu-img', 'create', '-q', '-f', 'qcow2', path, '8M')
    const image = bench.images.add(path)
    for (const rootDisks of ['qcow2', 'flat'] as const) {
      const driver = await withStorage(t, { rootDisks, forcesRawImages: false, preallocates: rootDisks === 'flat' })
      const flavor = { ...aGuestSpec(bench).flavor, rootGiB: rootDisks === 'flat' ? 0 : 1 }
      const spec = aGuestSpec(bench, { image, flavor })
      await driver.guest(spec.id).spawn(spec)
      const disk = info(fileOf(spec, 'disk'))
      assert.equal(disk['format'], 'qcow2')
      assert.equal(disk['virtual-size'], rootDisks === 'flat' ? 8 * MiB : GiB)
      assert.equal(disk['backing-filename-format'], rootDisks === 'flat' ? undefined : 'qcow2')
      if (rootDisks === 'flat') assert.ok(statSync(fileOf(spec, 'disk')).blocks * 512 >= 8 * MiB)
      await driver.guest(spec.id).destroy()
    }
  })

  test('a lost image under a guest is fetched again; one that is not its own is missed', async () => {
    const image = bench.images.add(randomBytes(MiB), { diskFormat: 'raw' })
    const spec = aGuestSpec(bench, { image })
    const guest = bench.driver.guest(spec.id)
    await guest.spawn(spec)
    await guest.stop('now')
    const base = String(info(fileOf(spec, 'disk'))['backing-filename'])
    run('rm', base)
    await guest.start(spec)
    assert.ok(existsSync(base))
    // As after an unshelve: the record names another image than the one the disk is made of.
    const other = { ...spec, image: bench.image }
    await guest.stop('now')
    await guest.start(other)
    await guest.stop('now')
    run('rm', base)
    await assert.rejects(guest.start(other), /is gone/)
    await guest.destroy()
  })

  encryptionTests(() => bench)

  describe('a driver with flat disks keeps the contract as well', () => {
    let flat: VirtDriver
    // A raw snapshot is as large as the flavor says.
    const open = () => bench.open({ storage: { rootDisks: 'flat', snapshotFormat: 'qcow2' } })
    before(async () => {
      flat = await open()
    })
    after(() => flat.close())
    const flatBench = (): Bench => ({
      get driver() {
        return flat
      },
      reopen: async () => {
        await flat.close()
        flat = await open()
      },
      image: bench.image,
      bootDeadlineMs: bench.bootDeadlineMs,
      memoryMiB: bench.memoryMiB,
      vif: () => bench.vif(),
      kill: id => bench.kill(id),
      leftovers: id => bench.leftovers(id),
    })
    lifecycleTests(flatBench)
    snapshotTests(flatBench)
  })
})
