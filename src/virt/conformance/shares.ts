import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newUuid } from '#base'
import { power } from '../driver.ts'
import { ShareMountError } from '../faults.ts'
import type { GuestShare } from '../guest-spec.ts'
import type { Bench } from './bench.ts'
import { aGuestSpec } from './specs.ts'

const aShare = (exportLocation: string): GuestShare => {
  const id = newUuid()
  return { id, tag: id, protocol: 'NFS', exportLocation, user: null }
}

/** Shares of a guest, on folders of the machine itself; drivers without the facet pass over them and say so. */
export function shareTests(bench: () => Bench): void {
  describe('shares', () => {
    test('come with the next start and go with the stop, each step twice; a spec without them starts without', async t => {
      const { shares } = bench().driver
      if (shares === undefined) return t.skip('this driver has no shares')
      const folder = mkdtempSync(join(tmpdir(), 'nova-share-'))
      const plain = aGuestSpec(bench())
      const guest = bench().driver.guest(plain.id)
      try {
        await guest.spawn(plain)
        await guest.stop('now')
        const share = aShare(folder)
        const spec = { ...plain, shares: [share] }
        for (let i = 0; i < 2; i++) await shares.mount(plain.id, share)
        for (let i = 0; i < 2; i++) await guest.start(spec)
        assert.equal((await guest.state()).power, power.running)
        for (let i = 0; i < 2; i++) await shares.unmount(plain.id, [share.id])
        assert.equal((await guest.state()).power, power.running)
        await guest.reboot('hard', spec)
        await guest.stop('now')
        for (let i = 0; i < 2; i++) await shares.unmount(plain.id, [])
        await guest.start(plain)
        assert.equal((await guest.state()).power, power.running)
      } finally {
        await guest.destroy()
        await shares.unmount(plain.id, [])
        rmSync(folder, { recursive: true })
      }
      assert.deepEqual(await bench().leftovers(plain.id), [])
    })
  })
}

/** For hosts that look at the folder: what is not there cannot be mounted. */
export function missingShareTest(bench: () => Bench): void {
  test('a share whose files are not there is refused', async () => {
    const { shares } = bench().driver
    assert.ok(shares !== undefined)
    const spec = aGuestSpec(bench())
    await assert.rejects(shares.mount(spec.id, aShare(`/nowhere/${newUuid()}`)), ShareMountError.is)
    await shares.unmount(spec.id, [])
  })
}
