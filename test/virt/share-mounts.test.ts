/**
 * How hosts mount shares, with the kernel's own mounts. There is no NFS server here: nova.conf's nfs_mount_options say `bind`,
 * so that the export is a folder below the working directory of this process and everything else is as with a server.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { type GuestShare, ShareMountError, ShareUmountError } from '#virt'
import { LibvirtShares } from '../../src/virt/libvirt/volumes/shares.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-mounts-'))
const base = join(folder, 'a b')
const home = process.cwd()
const exported = 'server.example:files'

const shares = (options: readonly string[] = ['bind']) =>
  new LibvirtShares({ nfs: { folder: base, options }, ceph: { folder: base, options: ['bind'] } })
const share = (exportLocation = exported): GuestShare => ({
  id: newUuid(),
  tag: 'data',
  protocol: 'NFS',
  exportLocation,
  user: null,
})
const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line.includes(folder)).length

before(() => {
  process.chdir(folder)
  mkdirSync(base)
  mkdirSync(exported)
  writeFileSync(join(exported, 'file'), 'content')
})
after(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

describe('mounts of shares', () => {
  test('one mount for all guests that need it, gone with the last; each step twice', async () => {
    const [one, two] = [instanceId(newUuid()), instanceId(newUuid())]
    const files = share()
    for (const id of [one, one, two]) await shares().mount(id, files)
    assert.equal(mounts(), 1)
    assert.equal(readFileSync(join(shares().pathOf(files), 'file'), 'utf8'), 'content')
    for (let i = 0; i < 2; i++) await shares().unmount(one, [])
    assert.equal(mounts(), 1)
    await shares().unmount(two, [files.id])
    assert.equal(mounts(), 1)
    for (let i = 0; i < 2; i++) await shares().unmount(two, [])
    assert.equal(mounts(), 0)
    assert.deepEqual(readdirSync(base), [])
  })

  test('a process that was killed at any point leaves nothing that the next one does not take up', async () => {
    const id = instanceId(newUuid())
    const files = share()
    const path = shares().pathOf(files)
    // After the note, before the mount.
    mkdirSync(`${path}.users`, { recursive: true })
    writeFileSync(join(`${path}.users`, id), files.id)
    await shares().unmount(id, [])
    assert.deepEqual(readdirSync(base), [])
    // After the mount, and after the unmount.
    await shares().mount(id, files)
    await shares().mount(id, files)
    assert.equal(mounts(), 1)
    await shares().unmount(id, [])
    mkdirSync(`${path}.users`)
    writeFileSync(join(`${path}.users`, id), files.id)
    await shares().unmount(id, [])
    assert.deepEqual(readdirSync(base), [])
  })

  test('what cannot be mounted says why, and leaves nothing', async () => {
    const id = instanceId(newUuid())
    await assert.rejects(shares().mount(id, share('server.example:nothing')), error => {
      assert.ok(ShareMountError.is(error))
      assert.match(error.message, /mount error from server .*\nReason: .*nothing/s)
      return true
    })
    assert.deepEqual(readdirSync(base), [])
    await assert.rejects(shares().mount(id, share('/nowhere/at/all')), ShareMountError.is)
  })

  test('what is in use stays mounted, and its guest known, until it can go', async () => {
    const id = instanceId(newUuid())
    const files = share()
    await shares().mount(id, files)
    process.chdir(shares().pathOf(files))
    try {
      await assert.rejects(shares().unmount(id, []), ShareUmountError.is)
      assert.equal(mounts(), 1)
    } finally {
      process.chdir(folder)
    }
    await shares().unmount(id, [])
    assert.equal(mounts(), 0)
    assert.deepEqual(readdirSync(base), [])
  })

  test('the key of a Ceph user is on no command line and in no file afterwards', async () => {
    const id = instanceId(newUuid())
    const files: GuestShare = { ...share(), protocol: 'CEPHFS', user: { name: 'nova', key: 'a secret' } }
    await shares()
      .mount(id, files)
      .then(
        () => shares().unmount(id, []),
        (error: unknown) => assert.doesNotMatch(String(error), /a secret/),
      )
    assert.deepEqual(readdirSync(base), [])
    assert.equal(mounts(), 0)
  })

  test('a folder of this machine is used where it is', async () => {
    const id = instanceId(newUuid())
    const files = share(join(folder, exported))
    await shares().mount(id, files)
    assert.equal(shares().pathOf(files), join(folder, exported))
    assert.equal(mounts(), 0)
    await shares().unmount(id, [])
    assert.ok(existsSync(join(folder, exported)))
  })
})
