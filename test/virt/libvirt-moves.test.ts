import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { power } from '#virt'
import { aGuestSpec, moveTests } from '#virt/conformance'
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
  })
}

/** What becomes of files that a host finds when it makes a guest anew that another one had. */
function evacuationTests(bench: () => MovingBench): void {
  test('files of another host are taken over, given back, and not removed by the one that had them', async () => {
    const { driver: dead, second: other, folders } = bench()
    const spec = aGuestSpec(bench())
    const files = () => readdirSync(folders[0]).filter(name => name.startsWith(spec.id))
    await dead.guest(spec.id).spawn(spec)
    await assert.rejects(other.guest(spec.id).spawn(spec), /lock/)
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
