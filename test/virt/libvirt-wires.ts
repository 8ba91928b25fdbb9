import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { describe, type TestContext, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type GuestSpec, type GuestWires, InterfaceNotPlugged, power, type VirtDriver } from '#virt'
import { aGuestSpec } from '#virt/conformance'
import type { LibvirtBench } from './libvirt-bench.ts'

/** Guests that wait for an agent of the network, which is the test here. */
export function libvirtWireTests(bench: () => LibvirtBench): void {
  const open = async (t: TestContext, wires: GuestWires): Promise<VirtDriver> => {
    const driver = await bench().open({ wires })
    t.after(() => driver.close())
    return driver
  }
  const never: GuestWires = { timeoutMs: 60_000, isFatal: true, down: async (_id, ports) => ports }
  const specOn = (t: TestContext): GuestSpec => {
    const bridge = `brq${newUuid().slice(0, 8)}-00`
    t.after(() => execFileSync('ip', ['link', 'del', bridge]))
    return aGuestSpec(bench(), { vifs: [{ ...bench().vif(), bridge }] })
  }
  const state = async (driver: VirtDriver, spec: GuestSpec) => (await driver.guest(spec.id).state()).power
  const standsStill = (driver: VirtDriver, spec: GuestSpec) =>
    waitFor('the guest to stand still', async () => (await state(driver, spec)) === power.paused || undefined, {
      deadlineMs: 60_000,
    })

  describe('interfaces that an agent wires', () => {
    test('the guest stands still, its tap on the bridge of the network, until its ports are up', async t => {
      let isUp = false
      const driver = await open(t, { ...never, down: async (_id, ports) => (isUp ? [] : ports) })
      const spec = specOn(t)
      const spawned = driver.guest(spec.id).spawn(spec)
      await standsStill(driver, spec)
      const [vif] = spec.vifs
      assert.deepEqual(readdirSync(`/sys/class/net/${vif?.bridge}/brif`), [vif?.devName])
      isUp = true
      await spawned
      assert.equal(await state(driver, spec), power.running)
      await driver.guest(spec.id).destroy()
    })

    test('when nobody wires it, it fails or goes on without, as nova.conf says', async t => {
      const short = { ...never, timeoutMs: 600 }
      const spec = specOn(t)
      const strict = await open(t, short)
      await assert.rejects(strict.guest(spec.id).spawn(spec), InterfaceNotPlugged.is)
      assert.deepEqual(await bench().leftovers(spec.id), [])
      const easy = await open(t, { ...short, isFatal: false })
      await easy.guest(spec.id).spawn(spec)
      assert.equal(await state(easy, spec), power.running)
      await easy.guest(spec.id).destroy()
    })

    test('who comes after a dead process lets the guest go; who deletes it waits for nobody', async t => {
      const first = await open(t, never)
      const spec = specOn(t)
      const spawned = first
        .guest(spec.id)
        .spawn(spec)
        .catch((error: unknown) => error)
      await standsStill(first, spec)
      const second = await open(t, { ...never, down: async () => [] })
      await second.guest(spec.id).spawn(spec)
      assert.equal(await state(second, spec), power.running)
      await first.guest(spec.id).destroy()
      assert.ok((await spawned) instanceof Error)
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })
  })
}
