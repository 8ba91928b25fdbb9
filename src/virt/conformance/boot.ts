import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { power } from '../driver.ts'
import type { Bench } from './bench.ts'
import { aConfigDrive, aGuestSpec } from './specs.ts'
import { consoleShows, watchEvents } from './watch.ts'

/** What can only be seen with a guest that runs its system: one boot, several looks, because a boot is dear. */
export function bootTests(bench: () => Bench): void {
  describe('a booted guest', () => {
    test('prints on its console, hears the power button, reboots softly, gives up a device', async t => {
      const startedMs = performance.now()
      const spec = aGuestSpec(bench())
      const guest = bench().driver.guest(spec.id)
      await guest.spawn(spec)
      const spawnedMs = performance.now()
      await consoleShows(bench(), spec.id, 'guest: userspace')
      const whole = await consoleShows(bench(), spec.id, 'guest: ready')
      t.diagnostic(
        `spawn ${Math.round(spawnedMs - startedMs)} ms, ready ${Math.round(performance.now() - startedMs)} ms`,
      )
      assert.ok(whole.includes('product=OpenStack Nova'))
      assert.ok(whole.includes(`uuid=${spec.id}`))
      assert.equal((await bench().driver.consoleLog?.read(spec.id, 2))?.split('\n').length, 2)
      assert.equal(await bench().driver.consoleLog?.read(spec.id, 0), '')
      await hotUnplug(bench(), spec.id)

      assert.equal(await guest.reboot({ soft: { withinMs: bench().bootDeadlineMs } }, spec), true)
      await consoleShows(bench(), spec.id, 'guest: boot-count 2')
      await consoleShows(bench(), spec.id, 'guest: ready')

      const events = watchEvents(bench().driver)
      await guest.stop({ gracefulMs: bench().bootDeadlineMs })
      assert.deepEqual(await guest.state(), { exists: true, power: power.shutdown })
      await consoleShows(bench(), spec.id, 'guest: shutdown')
      await events.end()
      await guest.start(spec)
      assert.equal((await guest.state()).power, power.running)
      await guest.destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('finds its config drive, also after a start from a spec without it, until it is removed', async () => {
      const later = aGuestSpec(bench())
      const guest = bench().driver.guest(later.id)
      const source = 'guest: metadata source config-drive /dev/sr0 iso9660'
      await guest.spawn({ ...later, configDrive: aConfigDrive('iso9660') })
      await consoleShows(bench(), later.id, source)
      assert.equal((await guest.diagnostics()).configDrive, true)
      await guest.stop('now')
      await guest.start(later)
      await consoleShows(bench(), later.id, source)
      await guest.reboot('hard', later)
      assert.equal((await guest.diagnostics()).configDrive, true)
      await guest.destroy()
      assert.deepEqual(await bench().leftovers(later.id), [])
    })

    test('a guest that does not hear the power button is stopped when its time is over', async () => {
      const spec = aGuestSpec(bench())
      const guest = bench().driver.guest(spec.id)
      await guest.spawn(spec)
      // A guest just started has no system yet that could listen.
      await guest.pause()
      assert.equal(await guest.reboot({ soft: { withinMs: 50 } }, spec), false)
      await guest.stop({ gracefulMs: 50 })
      assert.equal((await guest.state()).power, power.shutdown)
      await guest.destroy()
    })
  })
}

async function hotUnplug(bench: Bench, id: Parameters<Bench['driver']['guest']>[0]): Promise<void> {
  const { hotplug } = bench.driver
  if (hotplug === undefined) return
  const vif = bench.vif()
  await hotplug.attachVif(id, vif)
  assert.deepEqual(
    (await bench.driver.guest(id).diagnostics()).nics.map(nic => nic.mac),
    [vif.mac],
  )
  await hotplug.detachVif(id, vif.mac)
  assert.deepEqual((await bench.driver.guest(id).diagnostics()).nics, [])
}
