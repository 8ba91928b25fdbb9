import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type InstanceId, newUuid } from '#base'
import type { GuestDisk, GuestSpec, GuestVolume } from '#virt'
import { aGuestSpec, aVolumeDisk, consoleShows } from '#virt/conformance'
import { iscsiTarget } from './iscsi-target.ts'
import { aVolume, type LibvirtBench, libvirtBench, secretsOf } from './libvirt-bench.ts'

const pathOf = (disk: GuestDisk): string => String(disk.volume?.connection.data['device_path'])
const idOf = (disk: GuestDisk): string => disk.volume?.id ?? ''

/** Enough that a copy takes a moment. */
const pattern = randomBytes(32 * 1024 * 1024)

function writePattern(path: string): void {
  const file = openSync(path, 'r+')
  writeSync(file, pattern, 0, pattern.length, 512 * 1024 * 1024)
  closeSync(file)
}

function hasPattern(path: string): boolean {
  const [file, found] = [openSync(path, 'r'), Buffer.alloc(pattern.length)]
  readSync(file, found, 0, found.length, 512 * 1024 * 1024)
  closeSync(file)
  return found.equals(pattern)
}

function headOf(path: string): string {
  const [file, head] = [openSync(path, 'r'), Buffer.alloc(4)]
  readSync(file, head, 0, head.length, 0)
  closeSync(file)
  return head.toString('latin1')
}

describe('libvirt driver: volumes of a booted guest', { concurrency: false }, () => {
  let bench: LibvirtBench
  let spec: GuestSpec
  before(async () => {
    bench = await libvirtBench()
    spec = aGuestSpec(bench)
    await bench.driver.guest(spec.id).spawn(spec)
    await consoleShows(bench, spec.id, 'guest: ready')
  })
  after(() => bench.close())

  const volumes = () => {
    const { volumes: found } = bench.driver
    assert.ok(found !== undefined)
    return found
  }
  const diskCount = async (id: InstanceId) => (await bench.driver.guest(id).diagnostics()).disks.length
  const on = (deviceName: string, volume: GuestVolume) => aVolumeDisk({ volume: () => volume }, deviceName)
  /** The control plane ends in the middle of this, however far it has come; the next one is asked for the same. */
  async function interrupted(work: () => Promise<void>): Promise<void> {
    const outcome = work().catch(() => undefined)
    await bench.reopen()
    await outcome
    await work()
    await work()
  }

  test('come and go, whatever becomes of the control plane meanwhile', async () => {
    const disk = aVolumeDisk(bench, '/dev/vdb')
    await interrupted(() => volumes().attach(spec.id, disk))
    assert.equal(await diskCount(spec.id), 2)
    // A bus that the guest has no controller of until now.
    const scsi = [aVolumeDisk(bench, '/dev/sdb'), aVolumeDisk(bench, '/dev/vdq', { bus: 'scsi' })]
    for (const one of scsi) await volumes().attach(spec.id, one)
    assert.equal(await diskCount(spec.id), 4)
    for (const one of [disk, ...scsi]) await interrupted(() => volumes().detach(spec.id, idOf(one)))
    assert.equal(await diskCount(spec.id), 1)
  })

  test('one takes the place of another with its contents, and can be taken away afterwards', async () => {
    const [old, fresh] = [
      aVolumeDisk(bench, '/dev/vdb'),
      { ...on('/dev/vdb', aVolume(bench.images.folder, 2)), size: 2 },
    ]
    writePattern(pathOf(old))
    await volumes().attach(spec.id, old)
    await interrupted(() => volumes().swap(spec.id, idOf(old), fresh))
    assert.ok(hasPattern(pathOf(fresh)))
    // And back, as a saga does that cannot know how far it came.
    await interrupted(() => volumes().swap(spec.id, idOf(fresh), old))
    assert.ok(hasPattern(pathOf(old)))
    await volumes().swap(spec.id, idOf(old), fresh)
    // The running disk has the number of the old one, which may come again all the same.
    await volumes().attach(spec.id, { ...old, deviceName: '/dev/vdc' })
    assert.equal(await diskCount(spec.id), 3)
    for (const id of [idOf(fresh), idOf(old)]) await volumes().detach(spec.id, id)
    assert.equal(await diskCount(spec.id), 1)
  })

  test('a swap that a guest did not survive is taken back without it', async t => {
    const other = aGuestSpec(bench)
    const guest = bench.driver.guest(other.id)
    t.after(() => guest.destroy())
    const [old, fresh] = [aVolumeDisk(bench, '/dev/vdb'), aVolumeDisk(bench, '/dev/vdb')]
    await guest.spawn({ ...other, disks: [...other.disks, old] })
    await volumes().swap(other.id, idOf(old), fresh)
    writePattern(pathOf(fresh))
    await guest.stop('now')
    await volumes().swap(other.id, idOf(fresh), old)
    await volumes().swap(other.id, idOf(fresh), old)
    assert.ok(hasPattern(pathOf(old)))
    await volumes().detach(other.id, idOf(old))
    assert.equal(await diskCount(other.id), 1)
  })

  test('one that is too small is refused, and the other stays', async () => {
    const [old, small] = [aVolumeDisk(bench, '/dev/vdb'), aVolumeDisk(bench, '/dev/vdb')]
    truncateSync(pathOf(small), 1024 * 1024)
    const tiny = { ...small, size: 0 }
    await volumes().attach(spec.id, old)
    await assert.rejects(volumes().swap(spec.id, idOf(old), tiny), { code: 'VolumeRebaseFailed' })
    await volumes().extend(spec.id, idOf(old), 1)
    await volumes().detach(spec.id, idOf(old))
  })

  test('a guest that does not let go keeps its volume', async t => {
    const impatient = await bench.open({ volumes: { detachPatience: { attempts: 2, timeoutMs: 300 } } })
    t.after(() => impatient.close())
    const disk = aVolumeDisk(bench, '/dev/vdb')
    await volumes().attach(spec.id, disk)
    await bench.driver.guest(spec.id).pause()
    await assert.rejects(impatient.volumes?.detach(spec.id, idOf(disk)) ?? Promise.resolve(), {
      code: 'DeviceDetachFailed',
    })
    assert.equal(await diskCount(spec.id), 2)
    await bench.driver.guest(spec.id).resume()
    await volumes().detach(spec.id, idOf(disk))
    assert.equal(await diskCount(spec.id), 1)
  })

  test('two guests have one volume only if it is made for that', async t => {
    const other = aGuestSpec(bench)
    await bench.driver.guest(other.id).spawn(other)
    t.after(() => bench.driver.guest(other.id).destroy())
    const lone = aVolumeDisk(bench, '/dev/vdb')
    await volumes().attach(spec.id, lone)
    await assert.rejects(volumes().attach(other.id, lone), /lock/)
    assert.equal(await diskCount(other.id), 1)
    const volume: GuestVolume = { ...aVolume(bench.images.folder), isShared: true }
    await volumes().attach(spec.id, on('/dev/vdc', volume))
    await volumes().attach(other.id, on('/dev/vdc', volume))
    assert.equal(await diskCount(other.id), 2)
    for (const id of [idOf(lone), volume.id]) await volumes().detach(spec.id, id)
  })

  test('those that come and go while the guest is suspended are right when it goes on', async () => {
    const { suspendToDisk } = bench.driver
    assert.ok(suspendToDisk !== undefined)
    const [kept, late] = [aVolumeDisk(bench, '/dev/vdb'), aVolumeDisk(bench, '/dev/vdc')]
    await volumes().attach(spec.id, kept)
    await suspendToDisk.suspend(spec.id)
    await volumes().attach(spec.id, late)
    await suspendToDisk.resume(spec.id, { ...spec, disks: [...spec.disks, kept, late] })
    assert.equal(await diskCount(spec.id), 3)
    const boots = await bench.driver.consoleLog?.read(spec.id)
    await suspendToDisk.suspend(spec.id)
    await volumes().detach(spec.id, idOf(kept))
    await suspendToDisk.resume(spec.id, { ...spec, disks: [...spec.disks, late] })
    assert.equal(await diskCount(spec.id), 2)
    await consoleShows(bench, spec.id, 'guest: ready')
    assert.notEqual(await bench.driver.consoleLog?.read(spec.id), boots, 'its memory knew a disk that it has no more')
    await volumes().detach(spec.id, idOf(late))
  })

  test('an encrypted one is opened by a key that only libvirt knows, and grows', async () => {
    const made = aVolume(bench.images.folder)
    const path = String(made.connection.data['device_path'])
    const connection = { ...made.connection, data: { ...made.connection.data, encrypted: true } }
    const luks = { provider: 'luks', keyId: newUuid(), cipher: 'aes-xts-plain64', keySizeBits: 256 }
    const keyed = (more: object) => on('/dev/vdb', { ...made, connection, encryption: { ...luks, ...more } })
    await assert.rejects(volumes().attach(spec.id, keyed({})), { code: 'VolumeEncryptionNotSupported' })
    const base64 = randomBytes(32).toString('base64')
    await assert.rejects(volumes().attach(spec.id, keyed({ base64, provider: 'luks2' })), /QEMU does not know luks2/)
    const disk = keyed({ base64 })
    await interrupted(() => volumes().attach(spec.id, disk))
    assert.equal(statSync(path).size, 1024 ** 3)
    assert.equal(headOf(path), 'LUKS')
    assert.equal(secretsOf(bench.daemon, spec.id).length, 1)
    truncateSync(path, 2 * 1024 ** 3)
    await volumes().extend(spec.id, idOf(disk), 2)
    assert.equal(statSync(path).size, 2 * 1024 ** 3)
    const other = aVolumeDisk(bench, '/dev/vdb')
    await assert.rejects(volumes().swap(spec.id, idOf(disk), { ...other, size: 2 }), { code: 'VolumeRebaseFailed' })
    await volumes().detach(spec.id, idOf(disk))
    assert.deepEqual(secretsOf(bench.daemon, spec.id), [])
    // What was written with this key opens with no other.
    const wrong = keyed({ base64: randomBytes(32).toString('base64') })
    await assert.rejects(volumes().attach(spec.id, wrong), /attach volume failed/)
    assert.deepEqual(secretsOf(bench.daemon, spec.id), [])
  })

  test('over iscsi, with a password that only libvirt knows', async t => {
    const { connection } = aVolume(bench.images.folder)
    const path = String(connection.data['device_path'])
    const target = await iscsiTarget(path, 'somebody', 'a-long-secret')
    t.after(() => target.close())
    const data = { target_portal: target.portal, target_iqn: target.iqn, target_lun: 1, access_mode: 'rw' }
    const chap = (password: string) => ({ auth_method: 'CHAP', auth_username: 'somebody', auth_password: password })
    const over = (password: string): GuestDisk => {
      const reached = { driverVolumeType: 'iscsi', data: { ...data, ...chap(password) } }
      return on('/dev/vdb', { id: newUuid(), connection: reached })
    }
    await assert.rejects(volumes().attach(spec.id, over('a-wrong-secret')), /attach volume failed/)
    assert.deepEqual(secretsOf(bench.daemon, spec.id), [])
    const disk = over('a-long-secret')
    await interrupted(() => volumes().attach(spec.id, disk))
    assert.equal(await diskCount(spec.id), 2)
    assert.equal(secretsOf(bench.daemon, spec.id).length, 1)
    // Also for a guest that starts with it.
    await bench.driver.guest(spec.id).reboot('hard', { ...spec, disks: [...spec.disks, disk] })
    assert.equal(await diskCount(spec.id), 2)
    const written = readFileSync(join(bench.instancesPath, spec.id, 'libvirt.xml'), 'utf8')
    assert.ok(written.includes(target.iqn) && !written.includes('a-long-secret'))
    await bench.driver.guest(spec.id).destroy()
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })
})
