/**
 * The contract of VirtDriver as tests: every driver runs them, the fake always, libvirt with real guests. A test file makes
 * its bench in `before`, calls `driverConformance`, and adds what only its driver has. Called by tests only.
 */
export type { Bench } from './conformance/bench.ts'
export { lifecycleTests } from './conformance/lifecycle.ts'
export { moveTests } from './conformance/moves.ts'
export { missingShareTest } from './conformance/shares.ts'
export { snapshotTests } from './conformance/snapshots.ts'
export { aConfigDrive, aGuestSpec, aVolumeDisk } from './conformance/specs.ts'
export { consoleShows, eventOf, watchEvents } from './conformance/watch.ts'

import type { Bench } from './conformance/bench.ts'
import { bootTests } from './conformance/boot.ts'
import { consoleTests } from './conformance/consoles.ts'
import { guestFacetTests } from './conformance/guest-facets.ts'
import { lifecycleTests } from './conformance/lifecycle.ts'
import { moveTests } from './conformance/moves.ts'
import { shareTests } from './conformance/shares.ts'
import { snapshotTests } from './conformance/snapshots.ts'
import { volumeTests } from './conformance/volumes.ts'

/** `bench` is called inside the tests, when `before` has run. */
export function driverConformance(bench: () => Bench): void {
  lifecycleTests(bench)
  bootTests(bench)
  guestFacetTests(bench)
  consoleTests(bench)
  moveTests(bench)
  snapshotTests(bench)
  volumeTests(bench)
  shareTests(bench)
}
