import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type InstanceId, instanceId, newUuid } from '#base'
import { GuestNotFound, HypervisorError } from '../faults.ts'
import type { GuestDisk } from '../guest-spec.ts'
import type { Bench } from './bench.ts'
import { aGuestSpec, aVolumeDisk } from './specs.ts'

const idOf = (disk: GuestDisk): string => disk.volume?.id ?? ''

/** The volumes of a guest; drivers without the facet pass over them and say so. */
export function volumeTests(bench: () => Bench): void {
  const diskCount = async (id: InstanceId) => (await bench().driver.guest(id).diagnostics()).disks.length

  describe('volumes', () => {
    test('of the spec are there after the spawn and after every start', async t => {
      if (bench().driver.volumes === undefined) return t.skip('this driver has no volumes')
      const plain = aGuestSpec(bench())
      const spec = { ...plain, disks: [...plain.disks, aVolumeDisk(bench(), '/dev/vdb')] }
      const guest = bench().driver.guest(spec.id)
      await guest.spawn(spec)
      assert.equal(await diskCount(spec.id), 2)
      await guest.stop('now')
      await guest.start(plain)
      assert.equal(await diskCount(spec.id), 1)
      await guest.destroy()
    })

    test('attach and detach, each twice, running and off; a device name is given once', async t => {
      const { volumes } = bench().driver
      if (volumes === undefined) return t.skip('this driver has no volumes')
      const spec = aGuestSpec(bench())
      const [first, second] = [aVolumeDisk(bench(), '/dev/vdb'), aVolumeDisk(bench(), '/dev/vdc')]
      await assert.rejects(volumes.attach(instanceId(newUuid()), first), GuestNotFound.is)
      await bench().driver.guest(spec.id).spawn(spec)
      await volumes.attach(spec.id, first)
      await volumes.attach(spec.id, first)
      assert.equal(await diskCount(spec.id), 2)
      await assert.rejects(volumes.attach(spec.id, aVolumeDisk(bench(), '/dev/vdb')), HypervisorError.is)
      await bench().driver.guest(spec.id).stop('now')
      await volumes.attach(spec.id, second)
      assert.equal(await diskCount(spec.id), 3)
      for (const disk of [first, first, second]) await volumes.detach(spec.id, idOf(disk))
      assert.equal(await diskCount(spec.id), 1)
      await bench().driver.guest(spec.id).destroy()
    })

    test('one takes the place of another; one that grows is still there', async t => {
      const { volumes } = bench().driver
      if (volumes === undefined) return t.skip('this driver has no volumes')
      const spec = aGuestSpec(bench())
      const [old, fresh] = [aVolumeDisk(bench(), '/dev/vdb'), aVolumeDisk(bench(), '/dev/vdb')]
      await bench().driver.guest(spec.id).spawn(spec)
      await volumes.attach(spec.id, old)
      await volumes.swap(spec.id, idOf(old), fresh)
      await volumes.swap(spec.id, idOf(old), fresh)
      await volumes.extend(spec.id, idOf(fresh), 2)
      await assert.rejects(volumes.extend(spec.id, idOf(old), 2), HypervisorError.is)
      assert.equal(await diskCount(spec.id), 2)
      await bench().driver.guest(spec.id).destroy()
    })

    test('a host names itself to the volume service', async t => {
      const { volumes } = bench().driver
      if (volumes === undefined) return t.skip('this driver has no volumes')
      assert.ok((await volumes.connector()).host.length > 0)
    })

    test('snapshots made by the hypervisor come and go', async t => {
      const { volumes, volumeSnapshots } = bench().driver
      if (volumes === undefined || volumeSnapshots === undefined) return t.skip('this driver has no volume snapshots')
      const spec = aGuestSpec(bench())
      const disk = aVolumeDisk(bench(), '/dev/vdb')
      const [older, newer] = [aSnapshot(), aSnapshot()]
      await bench().driver.guest(spec.id).spawn(spec)
      await assert.rejects(volumeSnapshots.create(spec.id, idOf(disk), older), HypervisorError.is)
      await volumes.attach(spec.id, disk)
      for (const snapshot of [older, older, newer]) await volumeSnapshots.create(spec.id, idOf(disk), snapshot)
      const bottom = String(disk.volume?.connection.data['device_path']).split('/').at(-1) ?? ''
      const down = { id: older.id, fileToMerge: older.newFile, mergeTarget: bottom }
      const up = { id: newer.id, fileToMerge: null, mergeTarget: null }
      for (const merge of [down, down, up, up]) await volumeSnapshots.remove(spec.id, idOf(disk), merge)
      await bench().driver.guest(spec.id).destroy()
    })
  })
}

const aSnapshot = () => ({ id: newUuid(), newFile: `volume.${newUuid()}` })
