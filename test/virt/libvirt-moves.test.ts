import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type InstanceId, newUuid, waitFor } from '#base'
import { type GuestSpec, power, type VirtDriver } from '#virt'
import { aGuestSpec, moveTests } from '#virt/conformance'
import { plainMigration } from '../../src/virt/libvirt/moves/settings.ts'
import { mustBeEncrypted, withEncryptedDisks } from './libvirt-encryption.ts'
import { migrationOptionTests } from './migration-options.ts'
import { type MovingBench, movingBench, qemusOf } from './moving-bench.ts'

for (const isShared of [false, true]) {
  describe(`guests between two hosts with libvirt, ${isShared ? 'on shared storage' : 'each with its own disks'}`, () => {
    let bench: MovingBench
    before(async () => {
      bench = await movingBench({ isShared })
    })
    after(() => bench.close())
    moveTests(() => bench)
    if (isShared) {
      evacuationTests(() => bench)
      pinTests(() => bench)
      migrationOptionTests(() => bench)
    } else {
      tunnelTests(() => bench)
      firmwareTests(() => bench)
    }
  })
}

/** What becomes of files that a host finds when it makes a guest anew that another one had. */
function evacuationTests(bench: () => MovingBench): void {
  test('files of another host are taken over, given back, and not removed by the one that had them', async () => {
    const { driver: dead, second: other, folders } = bench()
    const spec = aGuestSpec(bench())
    const files = () => readdirSync(folders[0]).filter(name => name.startsWith(spec.id))
    await dead.guest(spec.id).spawn(spec)
    for (const isOn of [true, false]) await assert.rejects(other.guest(spec.id).spawn(spec, { isOn }), /lock/)
    await other.coldMigration?.discard(spec.id)
    assert.deepEqual(files(), [spec.id])
    assert.equal((await dead.guest(spec.id).state()).power, power.running)
    await bench().kill(spec.id)
    await waitFor('the guest to die', () => (qemusOf(spec.id).length === 0 ? true : undefined), { deadlineMs: 60_000 })
    await other.guest(spec.id).spawn(spec)
    await other.coldMigration?.discard(spec.id)
    assert.ok(readdirSync(join(folders[0], spec.id)).includes('disk'))
    await other.guest(spec.id).spawn(spec)
    await dead.guest(spec.id).destroy()
    assert.equal((await other.guest(spec.id).state()).power, power.running)
    assert.ok(readdirSync(join(folders[0], spec.id)).includes('disk'))
    await other.guest(spec.id).destroy()
    assert.deepEqual(await bench().leftovers(spec.id), [])
  })
}

function tunnelTests(bench: () => MovingBench): void {
  test('where the memory goes through a tunnel, disks do not, and that is said before', async () => {
    const tunnelled = await bench().open(0, { migration: { ...plainMigration, isTunnelled: true } })
    const spec = aGuestSpec(bench())
    await tunnelled.guest(spec.id).spawn(spec)
    const needs = await tunnelled.liveMigration?.describe(spec.id)
    assert.ok(needs !== undefined)
    const why = await bench().second.liveMigration?.refusal(needs, { withDisks: null })
    assert.match(why ?? '', /^Cannot block migrate instance .* tunnel/)
    await tunnelled.guest(spec.id).destroy()
    await tunnelled.close()
  })
}

/** CPUs of this machine on which the guest's own one may run. */
function cpusOf(id: InstanceId): readonly string[] {
  return qemusOf(id).flatMap(pid => {
    const threads = readdirSync(`/proc/${pid}/task`).map(thread => `/proc/${pid}/task/${thread}`)
    const own = threads.filter(path => readFileSync(`${path}/comm`, 'utf8').startsWith('CPU 0/'))
    return own.map(path => /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(`${path}/status`, 'utf8'))?.[1] ?? '')
  })
}

/** The claim on a host names its CPUs; on the next host they are others. */
function pinTests(bench: () => MovingBench): void {
  test('a guest with a CPU of its own has the one that was claimed where it goes, live and cold', async () => {
    const { driver: here, second: there } = bench()
    const plain = aGuestSpec(bench())
    const on = (cpu: number): GuestSpec => {
      const cell = { id: 0, cpus: [0], memoryMiB: plain.flavor.memoryMiB, hostCell: 0, pins: [[0, cpu]] as const }
      const hostCells = [{ id: 0, sharedCpus: [1 - cpu], smallestPageKiB: 4 }]
      const cells = [{ ...cell, reserved: [], pageSizeKiB: null }]
      const policies = { cpuPolicy: 'dedicated', threadPolicy: null, emulatorPolicy: null } as const
      return { ...plain, numa: { cells, ...policies, hostCells } }
    }
    await here.guest(plain.id).spawn(on(0))
    assert.deepEqual(cpusOf(plain.id), ['0'])
    await moveLive(here, there, on(1), { withDisks: false })
    assert.deepEqual(cpusOf(plain.id), ['1'])
    await moveCold(there, here, on(0))
    assert.deepEqual(cpusOf(plain.id), ['0'])
    await here.guest(plain.id).destroy()
    assert.deepEqual(await bench().leftovers(plain.id), [])
  })
}

/** What a guest's firmware and its TPM remember goes along. */
function firmwareTests(bench: () => MovingBench): void {
  for (const kind of ['live', 'cold'] as const) {
    test(`a guest with UEFI, a TPM and encrypted disks goes ${kind}, with all that they remember`, async () => {
      const settings = { domain: { hasTpm: true } }
      const [here, there] = [await bench().open(0, settings), await bench().open(1, settings)]
      const properties = {
        hw_firmware_type: 'uefi',
        hw_machine_type: 'q35',
        hw_tpm_version: '2.0',
        hw_tpm_model: 'tpm-crb',
      }
      const image = { ...bench().image, properties: { ...bench().image.properties, ...properties } }
      const tpmSecret = { id: newUuid(), base64: Buffer.from('opens the state of the TPM').toString('base64') }
      const spec = { ...withEncryptedDisks(aGuestSpec(bench(), { image })), tpmSecret }
      const stateOf = (number: number) =>
        join(bench().hosts.hosts[number]?.folder ?? '', 'libvirt/lib/swtpm', spec.id, 'tpm2')
      await here.guest(spec.id).spawn(spec)
      if (kind === 'cold') await moveCold(here, there, { ...spec, flavor: { ...spec.flavor, rootGiB: 2 } })
      else await moveLive(here, there, spec)
      assert.equal((await there.guest(spec.id).state()).power, power.running)
      assert.ok(existsSync(stateOf(1)))
      assert.ok(!existsSync(stateOf(0)))
      assert.ok(existsSync(join(bench().folders[1], spec.id, 'nvram')))
      for (const name of ['disk', 'disk.eph0', 'disk.swap']) mustBeEncrypted(join(bench().folders[1], spec.id, name))
      await there.guest(spec.id).reboot('hard', spec)
      await there.guest(spec.id).destroy()
      assert.deepEqual(await bench().leftovers(spec.id), [])
      await here.close()
      await there.close()
    })
  }
}

async function moveCold(here: VirtDriver, there: VirtDriver, spec: GuestSpec): Promise<void> {
  const [from, to] = [here.coldMigration, there.coldMigration]
  if (from === undefined || to === undefined) throw new Error('no cold migration')
  await to.receive(await from.offer(spec, { gracefulMs: 0 }), spec, { isOn: true })
  await from.confirm(spec.id)
}

async function moveLive(
  here: VirtDriver,
  there: VirtDriver,
  spec: GuestSpec,
  how = { withDisks: true },
): Promise<void> {
  const [from, to] = [here.liveMigration, there.liveMigration]
  if (from === undefined || to === undefined) throw new Error('no live migration')
  const landing = await to.prepareIncoming(spec, await from.describe(spec.id))
  for await (const { memoryTotal } of from.send(spec.id, landing, how, new AbortController().signal))
    assert.ok(memoryTotal > 0)
  await from.forget(spec.id)
  assert.deepEqual(await there.guest(spec.id).state(), { exists: true, power: power.running })
}
