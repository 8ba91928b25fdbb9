import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { power } from '../driver.ts'
import { GuestInWrongState, GuestNotFound } from '../faults.ts'
import type { Bench } from './bench.ts'
import { aGuestSpec } from './specs.ts'
import { eventOf, watchEvents } from './watch.ts'

/** The required core: what every driver does, twice if asked twice. */
export function lifecycleTests(bench: () => Bench): void {
  describe('lifecycle', () => {
    test('a guest that was never spawned does not exist, and destroying it is no failure', async () => {
      const guest = bench().driver.guest(instanceId(newUuid()))
      assert.equal((await guest.state()).exists, false)
      await guest.destroy()
      await assert.rejects(guest.stop('now'), GuestNotFound.is)
      await assert.rejects(guest.pause(), GuestNotFound.is)
      await assert.rejects(guest.diagnostics(), GuestNotFound.is)
    })

    test('spawn, pause, resume, stop, start, reboot, destroy; each converges when repeated', async () => {
      const spec = aGuestSpec(bench())
      const guest = bench().driver.guest(spec.id)
      const events = watchEvents(bench().driver)
      const powerIs = async (expected: number) =>
        assert.deepEqual(await guest.state(), { exists: true, power: expected })
      const twice = async (act: () => Promise<unknown>) => {
        await act()
        await act()
      }
      await twice(() => guest.spawn(spec))
      await powerIs(power.running)
      assert.deepEqual(
        (await bench().driver.list()).filter(g => g.id === spec.id),
        [{ id: spec.id, name: spec.name, power: power.running }],
      )
      await twice(() => guest.pause())
      await powerIs(power.paused)
      await twice(() => guest.resume())
      await powerIs(power.running)
      await twice(() => guest.stop('now'))
      await powerIs(power.shutdown)
      await assert.rejects(guest.pause(), GuestInWrongState.is)
      await assert.rejects(guest.resume(), GuestInWrongState.is)
      await twice(() => guest.start(spec))
      await powerIs(power.running)
      assert.equal(await guest.reboot('hard', spec), true)
      await powerIs(power.running)
      await guest.stop('now')
      assert.equal(await guest.reboot('hard', spec), true)
      await powerIs(power.running)
      await twice(() => guest.destroy())
      assert.equal((await guest.state()).exists, false)
      assert.deepEqual(await bench().leftovers(spec.id), [])
      await eventOf(events.seen, spec.id, 'undefined')
      await events.end()
      const kinds = events.seen.filter(event => event.id === spec.id).map(event => event.kind)
      const expected = [
        'started',
        'paused',
        'resumed',
        'stopped',
        'started',
        'stopped',
        'started',
        'stopped',
        'started',
        'stopped',
        'undefined',
      ]
      assert.deepEqual(kinds, expected)
    })

    test('two spawns of one guest at once make one guest', async () => {
      const spec = aGuestSpec(bench())
      const guest = bench().driver.guest(spec.id)
      await Promise.all([guest.spawn(spec), bench().driver.guest(spec.id).spawn(spec)])
      assert.equal((await bench().driver.list()).filter(g => g.id === spec.id).length, 1)
      await guest.destroy()
    })

    test('made to be off, it runs at its first start', async () => {
      const spec = aGuestSpec(bench())
      const guest = bench().driver.guest(spec.id)
      const events = watchEvents(bench().driver)
      for (const _ of ['once', 'again']) {
        await guest.spawn(spec, { isOn: false })
        assert.deepEqual(await guest.state(), { exists: true, power: power.shutdown })
      }
      await guest.start(spec)
      await guest.spawn(spec, { isOn: false })
      assert.deepEqual(await guest.state(), { exists: true, power: power.running })
      await guest.destroy()
      await eventOf(events.seen, spec.id, 'undefined')
      await events.end()
      const kinds = events.seen.filter(event => event.id === spec.id).map(event => event.kind)
      assert.deepEqual(kinds, ['started', 'stopped', 'undefined'])
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('several guests of one image at once', async () => {
      const specs = [aGuestSpec(bench()), aGuestSpec(bench()), aGuestSpec(bench())]
      await Promise.all(specs.map(spec => bench().driver.guest(spec.id).spawn(spec)))
      const ids = new Set((await bench().driver.list()).filter(g => g.power === power.running).map(g => g.id))
      for (const spec of specs) assert.ok(ids.has(spec.id))
      await Promise.all(specs.map(spec => bench().driver.guest(spec.id).destroy()))
      for (const spec of specs) assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('guests outlive the driver, which finds them again and their changes meanwhile', async () => {
      const spec = aGuestSpec(bench())
      await bench().driver.guest(spec.id).spawn(spec)
      await bench().reopen()
      assert.deepEqual(await bench().driver.guest(spec.id).state(), { exists: true, power: power.running })
      await bench().driver.guest(spec.id).spawn(spec)
      await bench().driver.guest(spec.id).destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('a guest whose process dies is announced, shown as crashed or shut down, and can be started', async () => {
      const spec = aGuestSpec(bench())
      const guest = bench().driver.guest(spec.id)
      await guest.spawn(spec)
      const events = watchEvents(bench().driver)
      await bench().kill(spec.id)
      await eventOf(events.seen, spec.id, 'crashed')
      await events.end()
      const state = await guest.state()
      assert.ok(state.power === power.crashed || state.power === power.shutdown, `power is ${state.power}`)
      await guest.start(spec)
      assert.equal((await guest.state()).power, power.running)
      await guest.destroy()
    })

    test('the end of the signal ends the events', async () => {
      const stop = new AbortController()
      const events = bench().driver.events(stop.signal)[Symbol.asyncIterator]()
      const next = events.next()
      stop.abort()
      assert.equal((await next).done, true)
    })
  })

  describe('what it tells', () => {
    test('diagnostics of a running and of a stopped guest', async () => {
      const vif = bench().vif()
      const spec = aGuestSpec(bench(), { vifs: [vif] })
      const guest = bench().driver.guest(spec.id)
      await guest.spawn(spec)
      const running = await guest.diagnostics()
      assert.equal(running.state, 'running')
      assert.equal(running.cpus.length, 1)
      assert.equal(running.disks.length, 1)
      assert.equal(running.configDrive, false)
      assert.deepEqual(
        running.nics.map(nic => nic.mac),
        [vif.mac],
      )
      assert.equal(running.memory.maximumMiB, spec.flavor.memoryMiB)
      assert.ok(running.uptimeSeconds !== null && running.uptimeSeconds >= 0)
      await guest.stop('now')
      const stopped = await guest.diagnostics()
      assert.equal(stopped.state, 'shutdown')
      assert.equal(stopped.uptimeSeconds, null)
      await guest.destroy()
    })

    test('the host: sizes are positive, a node has its trait, numbers add up', async () => {
      const host = await bench().driver.host.describe()
      assert.ok(host.vcpus > 0 && host.memoryMiB > 0 && host.localDiskGiB > 0 && host.hypervisorVersion > 0)
      assert.ok(host.memoryUsedMiB <= host.memoryMiB)
      assert.ok(host.localDiskFreeGiB <= host.localDiskGiB)
      assert.ok(host.traits.includes('COMPUTE_NODE'))
      assert.equal(new Set(host.traits).size, host.traits.length)
      assert.ok(host.supportedInstances.length > 0)
      assert.equal(host.hypervisorType, bench().driver.hypervisorType)
    })
  })

  describe('network interfaces of a running guest', () => {
    const macs = async (id: Parameters<ReturnType<typeof bench>['driver']['guest']>[0]) =>
      (await bench().driver.guest(id).diagnostics()).nics.map(nic => nic.mac)

    test('attach and detach, each twice', async t => {
      const { hotplug } = bench().driver
      if (hotplug === undefined) return t.skip('this driver has no hotplug')
      const spec = aGuestSpec(bench())
      const vif = bench().vif()
      await bench().driver.guest(spec.id).spawn(spec)
      await hotplug.attachVif(spec.id, vif)
      await hotplug.attachVif(spec.id, vif)
      assert.deepEqual(await macs(spec.id), [vif.mac])
      await assert.rejects(hotplug.attachVif(instanceId(newUuid()), vif), GuestNotFound.is)
      // A guest that is off gives the device away at once, whatever its system does.
      await bench().driver.guest(spec.id).stop('now')
      await hotplug.detachVif(spec.id, vif.mac)
      await hotplug.detachVif(spec.id, vif.mac)
      await waitFor('the interface to be gone', async () => ((await macs(spec.id)).length === 0 ? true : undefined), {
        deadlineMs: 60_000,
      })
      await bench().driver.guest(spec.id).destroy()
    })
  })
}
