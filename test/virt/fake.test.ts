import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { type GuestImage, type GuestVif, HypervisorError, power } from '#virt'
import { aConfigDrive, aGuestSpec, type Bench, driverConformance } from '#virt/conformance'
import { createFakeDriver, type FakeDriver } from '#virt/fake'

const image: GuestImage = {
  id: newUuid(),
  name: 'cirros',
  diskFormat: 'qcow2',
  containerFormat: 'bare',
  sizeBytes: 13_000_000,
  checksum: null,
  hashAlgorithm: null,
  hashValue: null,
  minDiskGiB: 1,
  minRamMiB: 64,
  properties: {},
}

let vifs = 0
function aVif(): GuestVif {
  vifs++
  const mac = `fa:16:3e:00:00:${vifs.toString(16).padStart(2, '0')}`
  return { portId: newUuid(), mac, kind: 'bridge', bridge: 'br0', devName: `tap${vifs}`, mtu: 1500, model: 'virtio' }
}

const bits = Buffer.from('what is on the disk of the image '.repeat(100))
async function* bitsInPieces() {
  for (let at = 0; at < bits.length; at += 1000) yield bits.subarray(at, at + 1000)
}

const folder = mkdtempSync(join(tmpdir(), 'nova-fake-'))
const open = (): FakeDriver =>
  createFakeDriver({
    hostName: 'host1',
    vcpus: 8,
    memoryMiB: 16_384,
    diskGiB: 100,
    stateFile: join(folder, 'guests.jsonl'),
    disks: { images: { download: async () => bitsInPieces() }, path: join(folder, 'disks') },
  })

describe('fake driver', () => {
  let driver: FakeDriver
  let second: FakeDriver
  before(() => {
    driver = open()
    second = createFakeDriver({ hostName: 'host2', vcpus: 8, memoryMiB: 16_384, diskGiB: 100 })
  })
  after(async () => {
    await driver.close()
    await second.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const bench = (): Bench => ({
    driver,
    second,
    image,
    bootDeadlineMs: 1000,
    memoryMiB: 128,
    async reopen() {
      await driver.close()
      driver = open()
    },
    vif: aVif,
    async kill(id) {
      driver.crash(id)
    },
    leftovers: async id => [
      ...(await driver.list()).filter(guest => guest.id === id).map(guest => guest.name),
      ...readdirSync(join(folder, 'disks')).filter(name => name.startsWith(id)),
    ],
  })
  driverConformance(bench)

  describe('beyond the contract', () => {
    test('failNext fails one call, which then changes nothing', async () => {
      const spec = aGuestSpec(bench())
      driver.failNext('spawn', HypervisorError({ operation: 'spawn', reason: 'planned' }))
      await assert.rejects(driver.guest(spec.id).spawn(spec), HypervisorError.is)
      assert.equal((await driver.guest(spec.id).state()).exists, false)
      await driver.guest(spec.id).spawn(spec)
      await driver.guest(spec.id).destroy()
    })

    test('used memory and disk follow the guests', async () => {
      const empty = await driver.host.describe()
      const spec = aGuestSpec(bench())
      await driver.guest(spec.id).spawn(spec)
      const one = await driver.host.describe()
      assert.equal(one.memoryUsedMiB - empty.memoryUsedMiB, spec.flavor.memoryMiB)
      assert.equal(one.localDiskUsedGiB - empty.localDiskUsedGiB, spec.flavor.rootGiB)
      driver.shutDownFromWithin(spec.id)
      assert.equal((await driver.guest(spec.id).state()).power, power.shutdown)
      assert.equal((await driver.host.describe()).memoryUsedMiB, empty.memoryUsedMiB)
      await driver.guest(spec.id).destroy()
    })

    test('a copy that is held back ends when it is forced, or fails and leaves the guest', async () => {
      const spec = aGuestSpec(bench())
      await driver.guest(spec.id).spawn(spec)
      driver.copyBrake.hold()
      const needs = await driver.liveMigration.describe(spec.id)
      const landing = await second.liveMigration.prepareIncoming(spec, needs)
      const never = new AbortController().signal
      const copy = async () => {
        for await (const { memoryRemaining } of driver.liveMigration.send(spec.id, landing, { withDisks: true }, never))
          if (memoryRemaining > 0) await driver.liveMigration.forceComplete(spec.id)
      }
      driver.failNext('send', HypervisorError({ operation: 'send', reason: 'planned' }))
      await assert.rejects(copy(), HypervisorError.is)
      assert.equal((await driver.guest(spec.id).state()).power, power.running)
      await copy()
      driver.copyBrake.release()
      assert.equal((await driver.guest(spec.id).state()).exists, false)
      assert.equal((await second.guest(spec.id).state()).power, power.running)
      await second.guest(spec.id).destroy()
    })

    test('what a config drive tells is not kept', async () => {
      const spec = aGuestSpec(bench(), { configDrive: aConfigDrive('vfat', { admin_pass: 'gocubsgo' }) })
      await driver.guest(spec.id).spawn(spec)
      const kept = readFileSync(join(folder, 'guests.jsonl'), 'utf8')
      assert.ok(kept.includes(`"id":"${spec.id}"`))
      for (const { path, base64 } of spec.configDrive?.files ?? []) {
        assert.ok(!kept.includes(path) && !kept.includes(base64))
      }
      assert.ok((await driver.consoleLog.read(spec.id)).includes('config-drive /dev/vdb vfat'))
      await driver.guest(spec.id).destroy()
    })

    test('a snapshot holds the bits of the image and what the guest has written, at that moment', async () => {
      const spec = aGuestSpec(bench())
      await driver.guest(spec.id).spawn(spec)
      driver.writeDisk(spec.id, 5, Buffer.from('WRITTEN'))
      driver.writeDisk(spec.id, bits.length + 2, Buffer.from('beyond'))
      const snapshot = await driver.snapshots.take(spec.id)
      driver.writeDisk(spec.id, 0, Buffer.from('too late'))
      await driver.guest(spec.id).destroy()
      const chunks = []
      for await (const chunk of snapshot.bits) chunks.push(chunk)
      await snapshot.release()
      const expected = Buffer.concat([bits, Buffer.from('\0\0beyond')])
      expected.write('WRITTEN', 5)
      assert.equal(Buffer.concat(chunks).toString(), expected.toString())
      assert.equal(snapshot.diskFormat, 'qcow2')
    })

    test('a change cut off in the state file never happened', async () => {
      const path = join(folder, 'cut.jsonl')
      const options = { hostName: 'h', vcpus: 1, memoryMiB: 1024, diskGiB: 10, stateFile: path }
      const first = createFakeDriver(options)
      const spec = aGuestSpec(bench())
      await first.guest(spec.id).spawn(spec)
      await first.close()
      const { appendFileSync } = await import('node:fs')
      appendFileSync(path, '{"id":"half a li')
      const second = createFakeDriver(options)
      assert.equal((await second.list()).length, 1)
      await second.close()
    })

    test('boots and deletes many guests (performance is printed, not asserted)', async t => {
      const many = createFakeDriver({
        hostName: 'h',
        vcpus: 1,
        memoryMiB: 1024,
        diskGiB: 10,
        stateFile: join(folder, 'many.jsonl'),
      })
      const startedMs = performance.now()
      const count = 1000
      for (let i = 0; i < count; i++) {
        const spec = { ...aGuestSpec(bench()), id: instanceId(newUuid()) }
        await many.guest(spec.id).spawn(spec)
        await many.guest(spec.id).destroy()
      }
      t.diagnostic(`${Math.round((count * 1000) / (performance.now() - startedMs))} boots and deletes a second`)
      assert.deepEqual(await many.list(), [])
      await many.close()
    })
  })
})
