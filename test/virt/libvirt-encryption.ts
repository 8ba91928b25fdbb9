import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type DiskEncryption, type GuestDisk, type GuestImage, type GuestSpec, ImageRefused } from '#virt'
import { aGuestSpec, consoleShows } from '#virt/conformance'
import { type LibvirtBench, secretsOf } from './libvirt-bench.ts'

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' })

export const anEncryption = (): DiskEncryption => ({
  format: 'luks',
  secretId: newUuid(),
  base64: Buffer.from(randomBytes(32).toString('base64')).toString('base64'),
})

/** Root, ephemeral and swap disk, each with a passphrase of its own. */
export function withEncryptedDisks(spec: GuestSpec): GuestSpec {
  const extra = (kind: GuestDisk['kind'], deviceName: string, size: number): GuestDisk => ({
    ...(spec.disks[0] as GuestDisk),
    id: newUuid(),
    kind,
    deviceName,
    bootIndex: null,
    size,
  })
  const disks = [...spec.disks, extra('ephemeral', '/dev/vdb', 1), extra('swap', '/dev/vdc', 64)]
  return { ...spec, disks: disks.map(disk => ({ ...disk, encryption: anEncryption() })) }
}

export const mustBeEncrypted = (path: string): void =>
  assert.match(run('qemu-img', 'info', '-U', path), /^encrypted: yes$/m)

/** What QEMU says that opens a disk with a passphrase and reads this of it. */
export function readsWith(encryption: DiskEncryption | undefined, path: string, ...commands: string[]): string {
  const secret = ['--object', `secret,id=key,data=${encryption?.base64},format=base64`]
  const options = `driver=qcow2,file.filename=${path},encrypt.key-secret=key`
  const asked = commands.flatMap(command => ['-c', command])
  const { stdout, stderr } = spawnSync('qemu-io', [...secret, '-r', '-U', '--image-opts', options, ...asked])
  return `${stdout}${stderr}`
}

/** Everything that is on a disk, for whoever has the passphrase. */
function contentsOf({ base64 }: DiskEncryption, path: string): Buffer {
  const opened = `driver=qcow2,file.filename=${path},encrypt.key-secret=key`
  const target = `${path}.open`
  run(
    'qemu-img',
    'convert',
    '--object',
    `secret,id=key,data=${base64},format=base64`,
    '--image-opts',
    '-O',
    'raw',
    opened,
    target,
  )
  const found = readFileSync(target)
  rmSync(target)
  return found
}

/** Writes a file in the guest; false as long as its agent does not listen. */
function writeInGuest({ daemon }: LibvirtBench, { id }: GuestSpec, path: string, text: string): true | undefined {
  const ask = (execute: string, args: object): unknown => {
    const request = JSON.stringify({ execute, arguments: args })
    const socket = `qemu+unix:///system?socket=${daemon.socketPath}`
    const answer = execFileSync('virsh', ['-c', socket, 'qemu-agent-command', id, request], { stdio: 'pipe' })
    return (JSON.parse(answer.toString()) as { return: unknown }).return
  }
  try {
    const handle = ask('guest-file-open', { path, mode: 'w' })
    ask('guest-file-write', { handle, 'buf-b64': Buffer.from(text).toString('base64') })
    ask('guest-file-flush', { handle })
    ask('guest-file-close', { handle })
    return true
  } catch {
    return undefined
  }
}

/** Local disks that lie encrypted on the host: nothing opens them but their passphrases, and the guest does not notice. */
export function encryptionTests(bench: () => LibvirtBench): void {
  const fileOf = ({ id }: GuestSpec, name: string) => join(bench().instancesPath, id, name)

  /** The guest's disk as an image, and the image. */
  async function imageOf(spec: GuestSpec, copy = anEncryption()): Promise<GuestImage> {
    const [{ encryption: disk = copy } = {}] = spec.disks
    const wish = { quiesce: 'ifPossible', encryption: { disk, copy } } as const
    const snapshot = await bench().driver.snapshots?.take(spec.id, wish)
    if (snapshot === undefined) throw new Error('no snapshots')
    assert.equal(snapshot.diskFormat, 'qcow2')
    const path = join(bench().images.folder, copy.secretId)
    await using file = await open(path, 'wx')
    for await (const chunk of snapshot.bits) await file.writeFile(chunk)
    await snapshot.release()
    mustBeEncrypted(path)
    return bench().images.add(path, { encryption: copy, properties: bench().image.properties })
  }

  describe('encrypted disks', () => {
    test('of a guest that boots, is snapshot and rescued, and of one that is made from the snapshot', async () => {
      const { driver } = bench()
      const marker = `marker-${newUuid()}`
      const spec = withEncryptedDisks(aGuestSpec(bench()))
      const guest = driver.guest(spec.id)
      await guest.spawn(spec)
      await consoleShows(bench(), spec.id, 'guest: ready')
      const write = () => writeInGuest(bench(), spec, '/marker', marker)
      await waitFor('the agent to write', write, { deadlineMs: bench().bootDeadlineMs })
      const live = await imageOf(spec)
      await guest.stop('now')
      for (const name of ['disk', 'disk.eph0', 'disk.swap']) mustBeEncrypted(fileOf(spec, name))
      for (const path of [fileOf(spec, 'disk'), join(bench().images.folder, live.encryption?.secretId ?? '')])
        assert.ok(!readFileSync(path).includes(marker))
      const [root, ephemeral, swap] = spec.disks
      assert.doesNotMatch(
        readsWith(ephemeral?.encryption, fileOf(spec, 'disk.eph0'), 'read -P 0x53 1080 1'),
        /fail|error/i,
      )
      assert.doesNotMatch(readsWith(swap?.encryption, fileOf(spec, 'disk.swap'), 'read -P 0x53 4086 1'), /fail|error/i)
      assert.match(readsWith(swap?.encryption, fileOf(spec, 'disk'), 'read 0 512'), /Invalid password/)

      // Off, and as a shelved server keeps it: the same passphrase opens disk and image.
      const shelved = await imageOf(spec, root?.encryption)
      const copy = withEncryptedDisks(aGuestSpec(bench(), { image: live }))
      await driver.guest(copy.id).spawn(copy)
      await driver.guest(copy.id).stop('now')
      const found = copy.disks[0]?.encryption
      assert.ok(found !== undefined && contentsOf(found, fileOf(copy, 'disk')).includes(marker))
      const plain = aGuestSpec(bench(), { image: shelved })
      await assert.rejects(driver.guest(plain.id).spawn(plain), ImageRefused.is)
      await driver.guest(copy.id).destroy()
      assert.deepEqual(await bench().leftovers(copy.id), [])

      // libvirtd has forgotten what it was told, as after a restart of the host.
      for (const line of secretsOf(bench().daemon, spec.id))
        run(
          'virsh',
          '-c',
          `qemu+unix:///system?socket=${bench().daemon.socketPath}`,
          'secret-undefine',
          line.trim().split(/\s+/)[0] ?? '',
        )
      await driver.rescue?.enter(spec.id, spec, { image: bench().image, gracefulMs: 0, stable: null })
      mustBeEncrypted(fileOf(spec, 'disk.rescue'))
      await driver.rescue?.leave(spec.id, spec)
      await guest.reboot('hard', spec)
      await guest.destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('are not made of an image that lies open although it should not, nor without their passphrase', async () => {
      const { driver } = bench()
      const spec = withEncryptedDisks(aGuestSpec(bench()))
      const open = { ...bench().image, id: newUuid(), encryption: anEncryption() }
      const path = join(bench().images.folder, open.id)
      writeFileSync(path, randomBytes(65_536))
      const image = { ...bench().images.add(path, { diskFormat: 'raw' }), encryption: anEncryption() }
      await assert.rejects(driver.guest(spec.id).spawn({ ...spec, image }), /should be encrypted, and is not/)
      const { base64: _, ...told } = anEncryption()
      const disks = spec.disks.map(disk => ({ ...disk, encryption: told }))
      await assert.rejects(driver.guest(spec.id).spawn({ ...spec, disks }), /passphrase/)
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })
  })
}
