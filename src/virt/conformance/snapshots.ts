import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { power, type Snapshots } from '../driver.ts'
import { AgentNotEnabled, GuestNotFound } from '../faults.ts'
import type { GuestImage } from '../guest-spec.ts'
import type { Bench } from './bench.ts'
import { aGuestSpec } from './specs.ts'

/** An image whose system has nobody that listens to the hypervisor. */
const withoutAgent = (image: GuestImage): GuestImage => ({
  ...image,
  properties: { ...image.properties, hw_qemu_guest_agent: 'no' },
})

async function sizeOf(snapshots: Snapshots, id: Parameters<Snapshots['take']>[0]): Promise<number> {
  const snapshot = await snapshots.take(id)
  try {
    assert.match(snapshot.diskFormat, /^(raw|qcow2)$/)
    let size = 0
    for await (const chunk of snapshot.bits) size += chunk.length
    return size
  } finally {
    await snapshot.release()
  }
}

/** The snapshots facet: the disk of a guest as a stream, while the guest does what it did before. */
export function snapshotTests(bench: () => Bench): void {
  describe('snapshots', () => {
    test('of a running, a paused and a stopped guest, which stay what they are', async t => {
      const { driver } = bench()
      const { snapshots } = driver
      if (snapshots === undefined) return t.skip('this driver takes no snapshots')
      const spec = aGuestSpec(bench())
      const guest = driver.guest(spec.id)
      await guest.spawn(spec)
      const sizes: number[] = []
      const take = async (expected: number) => {
        sizes.push(await sizeOf(snapshots, spec.id))
        assert.equal((await guest.state()).power, expected)
      }
      await take(power.running)
      await guest.pause()
      await take(power.paused)
      if (driver.suspendToDisk !== undefined) {
        await driver.suspendToDisk.suspend(spec.id)
        const { power: whileSuspended } = await guest.state()
        await take(whileSuspended)
        await driver.suspendToDisk.resume(spec.id, spec)
        await take(power.running)
      }
      await guest.stop('now')
      await take(power.shutdown)
      assert.ok(
        sizes.every(size => size > 0),
        `sizes ${sizes.join(' ')}`,
      )
      await guest.destroy()
      await assert.rejects(snapshots.take(spec.id), GuestNotFound.is)
      await assert.rejects(snapshots.take(instanceId(newUuid())), GuestNotFound.is)
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('given back unread it leaves nothing; the guest may go while it is read', async t => {
      const { driver } = bench()
      const { snapshots } = driver
      if (snapshots === undefined) return t.skip('this driver takes no snapshots')
      const spec = aGuestSpec(bench())
      await driver.guest(spec.id).spawn(spec)
      const unread = await snapshots.take(spec.id)
      await unread.release()
      await unread.release()
      await driver.guest(spec.id).destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('one that must be quiesced is not taken of a guest without an agent, unless it is off', async t => {
      const { driver } = bench()
      const { snapshots } = driver
      if (snapshots === undefined) return t.skip('this driver takes no snapshots')
      const spec = aGuestSpec(bench(), { image: withoutAgent(bench().image) })
      const guest = driver.guest(spec.id)
      await guest.spawn(spec)
      await assert.rejects(snapshots.take(spec.id, { quiesce: 'required' }), AgentNotEnabled.is)
      await (await snapshots.take(spec.id, { quiesce: 'ifPossible' })).release()
      if (driver.quiesce !== undefined) {
        await assert.rejects(driver.quiesce.freeze(spec.id, 1000), AgentNotEnabled.is)
        await driver.quiesce.thaw(spec.id)
      }
      await guest.stop('now')
      await (await snapshots.take(spec.id, { quiesce: 'required' })).release()
      await guest.destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })
  })
}
