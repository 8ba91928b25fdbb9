import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { power, type VirtDriver } from '../driver.ts'
import { GuestNotFound, ResizeRefused } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'
import type { ColdMigration, LiveMigration } from '../moves.ts'
import type { Bench } from './bench.ts'
import { aGuestSpec } from './specs.ts'

interface Hosts<Facet> {
  readonly here: VirtDriver
  readonly there: VirtDriver
  readonly from: Facet
  readonly to: Facet
}

const gone = { exists: false, power: power.noState }
const is = (now: number) => ({ exists: true, power: now })

async function mustBe(driver: VirtDriver, spec: GuestSpec, expected: { exists: boolean; power: number }) {
  assert.deepEqual(await driver.guest(spec.id).state(), expected)
  assert.equal(
    (await driver.list()).some(guest => guest.id === spec.id),
    expected.exists,
  )
}

async function twice<T>(act: () => Promise<T>): Promise<T> {
  const first = await act()
  assert.deepEqual(await act(), first)
  return first
}

function coldHosts(bench: Bench): Hosts<ColdMigration> | undefined {
  const { driver: here, second: there } = bench
  if (there?.coldMigration === undefined || here.coldMigration === undefined) return undefined
  return { here, there, from: here.coldMigration, to: there.coldMigration }
}

const larger = (spec: GuestSpec): GuestSpec => ({
  ...spec,
  flavor: { ...spec.flavor, memoryMiB: spec.flavor.memoryMiB * 2, rootGiB: spec.flavor.rootGiB + 1 },
})

/** Moves of guests that are off. */
function coldTests(bench: () => Bench): void {
  describe('cold migration', () => {
    test('offered, received, confirmed; each twice', async t => {
      const hosts = coldHosts(bench())
      if (hosts === undefined) return t.skip('this driver cannot move guests that are off')
      const { here, there, from, to } = hosts
      const spec = aGuestSpec(bench())
      await here.guest(spec.id).spawn(spec)
      const offer = await twice(() => from.offer(larger(spec), { gracefulMs: 0 }))
      await mustBe(here, spec, gone)
      assert.deepEqual(await from.setAside(), [spec.id])
      await twice(() => to.receive(offer, larger(spec), { isOn: true }))
      await mustBe(there, spec, is(power.running))
      assert.equal((await there.guest(spec.id).diagnostics()).memory.maximumMiB, spec.flavor.memoryMiB * 2)
      await twice(() => from.confirm(spec.id))
      assert.deepEqual(await from.setAside(), [])
      await mustBe(here, spec, gone)
      await assert.rejects(from.revert(spec, { isOn: true }), GuestNotFound.is)
      await there.guest(spec.id).destroy()
    })

    test('discarded and reverted: the guest is as it was; a guest that is off stays off', async t => {
      const hosts = coldHosts(bench())
      if (hosts === undefined) return t.skip('this driver cannot move guests that are off')
      const { here, there, from, to } = hosts
      for (const isOn of [true, false]) {
        const spec = aGuestSpec(bench())
        await here.guest(spec.id).spawn(spec)
        if (!isOn) await here.guest(spec.id).stop('now')
        await to.receive(await from.offer(spec, { gracefulMs: 0 }), spec, { isOn })
        await mustBe(there, spec, is(isOn ? power.running : power.shutdown))
        await twice(() => to.discard(spec.id))
        await mustBe(there, spec, gone)
        await twice(() => from.revert(spec, { isOn }))
        await mustBe(here, spec, is(isOn ? power.running : power.shutdown))
        assert.equal((await here.guest(spec.id).diagnostics()).memory.maximumMiB, spec.flavor.memoryMiB)
        await here.guest(spec.id).destroy()
      }
    })

    test('onto the same host: discarding the new one leaves the old one', async t => {
      const { driver } = bench()
      const cold = driver.coldMigration
      if (cold === undefined) return t.skip('this driver cannot move guests that are off')
      const spec = aGuestSpec(bench())
      await driver.guest(spec.id).spawn(spec)
      const offer = await cold.offer(larger(spec), { gracefulMs: 0 })
      await cold.receive(offer, larger(spec), { isOn: true })
      await mustBe(driver, spec, is(power.running))
      await cold.discard(spec.id)
      await bench().reopen()
      await bench().driver.coldMigration?.revert(spec, { isOn: true })
      await mustBe(bench().driver, spec, is(power.running))
      await bench().driver.guest(spec.id).destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })

    test('a disk that would shrink is refused, and the guest runs on', async t => {
      const { driver } = bench()
      if (driver.coldMigration === undefined) return t.skip('this driver cannot move guests that are off')
      const spec = aGuestSpec(bench())
      await driver.guest(spec.id).spawn(spec)
      const smaller = { ...spec, flavor: { ...spec.flavor, rootGiB: 0 } }
      await assert.rejects(driver.coldMigration.offer(smaller, { gracefulMs: 0 }), ResizeRefused.is)
      await mustBe(driver, spec, is(power.running))
      await driver.guest(spec.id).destroy()
    })
  })
}

function liveHosts(bench: Bench): Hosts<LiveMigration> | undefined {
  const { driver: here, second: there } = bench
  if (there?.liveMigration === undefined || here.liveMigration === undefined) return undefined
  return { here, there, from: here.liveMigration, to: there.liveMigration }
}

/** Moves of guests that run. */
function liveTests(bench: () => Bench): void {
  describe('live migration', () => {
    test('a running guest runs there afterwards, a paused one is paused', async t => {
      const hosts = liveHosts(bench())
      if (hosts === undefined) return t.skip('this driver cannot move running guests')
      const { here, there, from, to } = hosts
      for (const expected of [power.running, power.paused]) {
        const spec = aGuestSpec(bench())
        await here.guest(spec.id).spawn(spec)
        if (expected === power.paused) await here.guest(spec.id).pause()
        assert.equal(await to.refusal(await from.describe(spec.id), { withDisks: null }), undefined)
        const needs = await from.describe(spec.id)
        const landing = await twice(() => to.prepareIncoming(spec, needs))
        assert.equal((await there.guest(spec.id).state()).isIncoming, true)
        assert.ok((await to.awaited()).includes(spec.id))
        const seen = []
        const never = new AbortController().signal
        for await (const progress of from.send(spec.id, landing, { withDisks: true }, never)) seen.push(progress)
        assert.ok(seen.length > 0)
        // Firmware and video memory count too.
        for (const progress of seen) assert.ok(progress.memoryTotal >= spec.flavor.memoryMiB * 1024 ** 2)
        await twice(() => from.forget(spec.id))
        await mustBe(here, spec, gone)
        await mustBe(there, spec, is(expected))
        assert.ok(!(await to.awaited()).includes(spec.id))
        await to.discardIncoming(spec.id)
        await mustBe(there, spec, is(expected))
        await there.guest(spec.id).destroy()
      }
    })

    test('aborted: the guest runs here, and nothing is left there', async t => {
      const hosts = liveHosts(bench())
      if (hosts === undefined) return t.skip('this driver cannot move running guests')
      const { here, there, from, to } = hosts
      const spec = aGuestSpec(bench())
      await here.guest(spec.id).spawn(spec)
      const landing = await to.prepareIncoming(spec, await from.describe(spec.id))
      const copy = async () => {
        for await (const _ of from.send(spec.id, landing, { withDisks: true }, AbortSignal.abort()))
          assert.fail('it copies')
      }
      await assert.rejects(copy(), /aborted/)
      await twice(() => from.settle(spec.id))
      await twice(() => to.discardIncoming(spec.id))
      await mustBe(there, spec, gone)
      await mustBe(here, spec, is(power.running))
      await assert.rejects(copy(), /aborted/)
      await here.guest(spec.id).destroy()
    })
  })
}

/** What a driver that moves guests does; `bench().second` is the other host. */
export function moveTests(bench: () => Bench): void {
  coldTests(bench)
  liveTests(bench)
}
