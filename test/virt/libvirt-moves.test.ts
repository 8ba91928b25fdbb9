import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type GuestSpec, power, type VirtDriver } from '#virt'
import { aGuestSpec, moveTests } from '#virt/conformance'
import { mustBeEncrypted, withEncryptedDisks } from './libvirt-encryption.ts'
import { type MovingBench, movingBench, qemusOf } from './moving-bench.ts'

for (const isShared of [false, true]) {
  describe(`guests between two hosts with libvirt, ${isShared ? 'on shared storage' : 'each with its own disks'}`, () => {
    let bench: MovingBench
    before(async () => {
      bench = await movingBench({ isShared })
    })
    after(() => bench.close())
    moveTests(() => bench)
    if (isShared) evacuationTests(() => bench)
    else firmwareTests(() => bench)
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
    await waitFor('the guest to die', () => (qemusOf(spec.id).length === 0 ? true : undefined), { deadlineMs: 20_000 })
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

async function moveLive(here: VirtDriver, there: VirtDriver, spec: GuestSpec): Promise<void> {
  const [from, to] = [here.liveMigration, there.liveMigration]
  if (from === undefined || to === undefined) throw new Error('no live migration')
  const landing = await to.prepareIncoming(spec, await from.describe(spec.id))
  for await (const { memoryTotal } of from.send(spec.id, landing, { withDisks: true }, new AbortController().signal))
    assert.ok(memoryTotal > 0)
  await from.forget(spec.id)
}
