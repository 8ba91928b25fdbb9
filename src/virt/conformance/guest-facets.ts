import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { type Guest, power, type VirtDriver } from '../driver.ts'
import { GuestInWrongState, GuestNotFound, GuestNotRunning } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'
import type { Bench } from './bench.ts'
import { aConfigDrive, aGuestSpec } from './specs.ts'
import { consoleShows } from './watch.ts'

/** A guest for one test, gone afterwards whatever came. */
async function withGuest(bench: () => Bench, work: (guest: Guest, spec: GuestSpec) => Promise<void>): Promise<void> {
  const spec = aGuestSpec(bench())
  const guest = bench().driver.guest(spec.id)
  await guest.spawn(spec)
  try {
    await work(guest, spec)
  } finally {
    await bench().driver.guest(spec.id).destroy()
  }
  assert.deepEqual(await bench().leftovers(spec.id), [])
}

const nobody = () => instanceId(newUuid())
const twice = async (act: () => Promise<unknown>) => {
  await act()
  await act()
}

/** What a driver may be able to do with one guest; those that are not are passed over, and say so. */
export function guestFacetTests(bench: () => Bench): void {
  describe('facets of a guest', () => {
    test('suspend keeps it, resume goes on, a stop throws the memory away; each twice', async t => {
      const { suspendToDisk } = bench().driver
      if (suspendToDisk === undefined) return t.skip('this driver has no suspendToDisk')
      await assert.rejects(suspendToDisk.suspend(nobody()), GuestNotFound.is)
      await withGuest(bench, async (guest, spec) => {
        await twice(() => suspendToDisk.suspend(spec.id))
        const { power: now } = await guest.state()
        assert.ok(now === power.suspended || now === power.shutdown, `power is ${now}`)
        await assert.rejects(guest.pause(), GuestInWrongState.is)
        await twice(() => suspendToDisk.resume(spec.id, spec))
        assert.equal((await guest.state()).power, power.running)
        await suspendToDisk.suspend(spec.id)
        await guest.stop('now')
        assert.equal((await guest.state()).power, power.shutdown)
        await assert.rejects(suspendToDisk.suspend(spec.id), GuestInWrongState.is)
        // Nothing is left to go on from: it boots.
        await suspendToDisk.resume(spec.id, spec)
        assert.equal((await guest.state()).power, power.running)
      })
    })

    test('rescue boots the rescue image, its end the own disk; each twice, and from off', async t => {
      const { rescue } = bench().driver
      if (rescue === undefined) return t.skip('this driver has no rescue')
      const image = { ...bench().image, properties: { ...bench().image.properties, hw_rescue_device: 'disk' } }
      const wish = { image, gracefulMs: 0, stable: null, configDrive: aConfigDrive('iso9660') }
      await assert.rejects(rescue.enter(nobody(), aGuestSpec(bench()), wish), GuestNotFound.is)
      await withGuest(bench, async (guest, spec) => {
        await twice(() => rescue.enter(spec.id, spec, wish))
        assert.equal((await guest.state()).power, power.running)
        await twice(() => rescue.leave(spec.id, spec))
        assert.equal((await guest.state()).power, power.running)
        await guest.stop('now')
        await rescue.enter(spec.id, spec, { ...wish, stable: { device: 'cdrom', bus: 'sata' } })
        assert.equal((await guest.state()).power, power.running)
        await rescue.leave(spec.id, spec)
        assert.equal((await guest.state()).power, power.running)
      })
    })

    test('rebuild makes the guest anew, running, whether it ran, was off or was gone', async t => {
      const { rebuild } = bench().driver
      if (rebuild === undefined) return t.skip('this driver has no rebuild')
      await withGuest(bench, async (guest, spec) => {
        const anew = async (keepsEphemeral: boolean) => {
          await rebuild.rebuild({ ...spec, configDrive: aConfigDrive('iso9660') }, { keepsEphemeral, gracefulMs: 0 })
          assert.deepEqual(await guest.state(), { exists: true, power: power.running })
          assert.equal((await guest.diagnostics()).configDrive, true)
        }
        await anew(false)
        await guest.stop('now')
        await anew(true)
        await guest.destroy()
        await anew(false)
        await consoleShows(bench(), spec.id, 'guest: boot-count 1')
      })
    })

    test('a process after ours that asks again changes nothing', async t => {
      const { suspendToDisk, rescue, rebuild } = bench().driver
      if (suspendToDisk === undefined || rescue === undefined || rebuild === undefined)
        return t.skip('this driver has not all of suspendToDisk, rescue, rebuild')
      const again = async (act: (driver: VirtDriver) => Promise<unknown> | undefined) => {
        await act(bench().driver)
        await bench().reopen()
        await act(bench().driver)
      }
      await withGuest(bench, async (_guest, spec) => {
        const powerNow = async () => (await bench().driver.guest(spec.id).state()).power
        const wish = { image: bench().image, gracefulMs: 0, stable: null }
        await again(driver => driver.suspendToDisk?.suspend(spec.id))
        assert.notEqual(await powerNow(), power.running)
        for (const act of [
          driver => driver.suspendToDisk?.resume(spec.id, spec),
          driver => driver.rescue?.enter(spec.id, spec, wish),
          driver => driver.rescue?.leave(spec.id, spec),
          driver => driver.rebuild?.rebuild(spec, { keepsEphemeral: true, gracefulMs: 0 }),
        ] satisfies ((driver: VirtDriver) => Promise<void> | undefined)[]) {
          await again(act)
          assert.equal(await powerNow(), power.running)
        }
      })
    })

    test('the agent sets passwords of a running guest only', async t => {
      const { guestAgent } = bench().driver
      if (guestAgent === undefined) return t.skip('this driver has no guestAgent')
      await assert.rejects(guestAgent.setPassword(nobody(), 'root', 'x'), GuestNotFound.is)
      await withGuest(bench, async (guest, spec) => {
        await consoleShows(bench(), spec.id, 'guest: ready')
        await twice(() => guestAgent.setPassword(spec.id, 'root', 'gocubsgo'))
        await guest.stop('now')
        await assert.rejects(guestAgent.setPassword(spec.id, 'root', 'x'), GuestInWrongState.is)
      })
    })

    test('a crash dump needs a guest that runs', async t => {
      const { crashDump } = bench().driver
      if (crashDump === undefined) return t.skip('this driver has no crashDump')
      await assert.rejects(crashDump.trigger(nobody()), GuestNotFound.is)
      await withGuest(bench, async (guest, spec) => {
        await crashDump.trigger(spec.id)
        await guest.stop('now')
        await assert.rejects(crashDump.trigger(spec.id), GuestNotRunning.is)
      })
    })
  })
}
