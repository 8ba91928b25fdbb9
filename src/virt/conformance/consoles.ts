import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import type { ConsoleKind } from '../driver.ts'
import { GuestNotFound } from '../faults.ts'
import type { Bench } from './bench.ts'
import { aGuestSpec } from './specs.ts'

const kinds: readonly ConsoleKind[] = ['vnc', 'spice', 'serial', 'mks']

/** The consoles facet: where the consoles of a guest are, for drivers that have any. */
export function consoleTests(bench: () => Bench): void {
  describe('consoles', () => {
    test('every guest has ports of its own while it runs, and none when it is off', async t => {
      const { driver } = bench()
      const { consoles } = driver
      if (consoles === undefined) return t.skip('this driver has no consoles')
      const specs = [aGuestSpec(bench()), aGuestSpec(bench())]
      for (const spec of specs) await driver.guest(spec.id).spawn(spec)
      const [first, second] = specs
      assert.ok(first !== undefined && second !== undefined)
      const found = await Promise.all(kinds.map(kind => consoles.find(first.id, kind)))
      const ports = found.flatMap(point => (point === undefined ? [] : [point.port]))
      assert.ok(ports.length > 0 && ports.every(port => port > 0), `ports ${ports.join(' ')}`)
      for (const kind of kinds) {
        const mine = await consoles.find(first.id, kind)
        assert.deepEqual(await consoles.find(first.id, kind), mine)
        if (mine !== undefined) assert.notEqual((await consoles.find(second.id, kind))?.port, mine.port)
      }
      await driver.guest(first.id).stop('now')
      for (const kind of kinds) assert.equal((await consoles.find(first.id, kind))?.port ?? -1, -1)
      for (const spec of specs) await driver.guest(spec.id).destroy()
      await assert.rejects(consoles.find(first.id, 'vnc'), GuestNotFound.is)
      await assert.rejects(consoles.find(instanceId(newUuid()), 'vnc'), GuestNotFound.is)
    })
  })
}
