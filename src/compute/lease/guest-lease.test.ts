import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { silentLog, systemClock, waitFor } from '#base'
import type { LeaseAnswer } from '#bus'
import { HostHasNoLease } from '#model'
import { bootTimeMs } from './boot-time.ts'
import { GuestLease } from './guest-lease.ts'
import { noLease, readLease, writeLease } from './lease-file.ts'
import { onlyWithLease } from './only-with-lease.ts'

const leaseMs = 60_000
let folder = ''
let nowMs = 0
/** Guests that run. */
let running = 0
const opened: GuestLease[] = []
const fencing = {
  killAll: async () => {
    const found = running
    running = 0
    return found
  },
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nova-lease-'))
  nowMs = 1_000
  running = 3
})
afterEach(() => {
  for (const lease of opened.splice(0)) lease.stop()
  rmSync(folder, { recursive: true, force: true })
})

const file = () => join(folder, 'lease.json')

async function open(): Promise<GuestLease> {
  const lease = await GuestLease.open({
    file: file(),
    leaseMs,
    fencing,
    guard: undefined,
    clock: systemClock,
    log: silentLog,
    nowMs: () => nowMs,
  })
  opened.push(lease)
  return lease
}

const answer =
  (said: LeaseAnswer | undefined, takesMs = 0) =>
  async () => {
    nowMs += takesMs
    return said
  }

const killed = () => waitFor('the guests to be killed', () => running === 0 || undefined, { deadlineMs: 30_000 })

test('guests run for ever until the first lease is granted, and then as long as one is', async () => {
  const lease = await open()
  nowMs += 10 * leaseMs
  assert.ok(lease.isHeld)
  await lease.beat(answer('granted'))
  nowMs += leaseMs - 1
  assert.ok(lease.isHeld)
  assert.equal(running, 3)
  nowMs += 1
  assert.ok(!lease.isHeld)
  await killed()
  await lease.beat(answer('granted'))
  assert.ok(lease.isHeld)
})

test('a lease counts from the sending of what was answered', async () => {
  const lease = await open()
  await lease.beat(answer('granted', leaseMs - 1))
  assert.ok(lease.isHeld)
  nowMs += 1
  assert.ok(!lease.isHeld)
})

test('what nobody answers renews nothing; what an older conductor answers neither', async () => {
  const lease = await open()
  await lease.beat(answer('granted'))
  await assert.rejects(lease.beat(() => Promise.reject(new Error('no link'))))
  await lease.beat(answer(undefined))
  nowMs += leaseMs
  await killed()
})

test('a host that counts as fenced kills its guests at once', async () => {
  const lease = await open()
  await lease.beat(answer('refused'))
  assert.ok(!lease.isHeld)
  await killed()
})

test('the next process takes up the lease; one of another boot is none', async () => {
  await (await open()).beat(answer('granted'))
  nowMs += leaseMs
  assert.ok(!(await open()).isHeld)
  await killed()
  const { boot, ...lease } = JSON.parse(readFileSync(file(), 'utf8'))
  writeFileSync(file(), JSON.stringify({ boot: `${boot} before`, ...lease }))
  assert.ok((await open()).isHeld)
})

test('given up, guests run on; but not where nobody has heard of it', async () => {
  const lease = await open()
  await lease.beat(answer('granted'))
  await assert.rejects(lease.giveUp(() => Promise.reject(new Error('no link'))))
  assert.equal((await readLease(file()))?.untilMs, nowMs + leaseMs)
  await lease.giveUp(async () => null)
  assert.deepEqual(await readLease(file()), noLease)
  nowMs += leaseMs
  assert.ok(lease.isHeld)
})

test('a lease that cannot be written is not held', async () => {
  const lease = await open()
  await lease.beat(answer('granted'))
  rmSync(folder, { recursive: true })
  await assert.rejects(lease.beat(answer('granted', leaseMs - 1)))
  nowMs += 1
  assert.ok(!lease.isHeld)
  await killed()
})

test('without a lease no guest is started, and all may be stopped', async () => {
  const lease = await open()
  const handlers = { spawn: async () => 'spawned', destroy: async () => 'destroyed' } as never
  const guarded = onlyWithLease(handlers, 'one', lease)
  assert.equal(await guarded.spawn({} as never, {}), 'spawned')
  await lease.beat(answer('refused'))
  await assert.rejects(guarded.spawn({} as never, {}), error => HostHasNoLease.is(error))
  assert.equal(await guarded.destroy({} as never, {}), 'destroyed')
})

test('the time of a lease goes on', async () => {
  const before = bootTimeMs()
  await waitFor('time to pass', () => bootTimeMs() > before || undefined, { deadlineMs: 10_000 })
  await writeLease(file(), { untilMs: before, guardPid: 7 })
  assert.deepEqual(await readLease(file()), { untilMs: before, guardPid: 7 })
})
