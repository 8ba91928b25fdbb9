import { power, type Snapshots } from '../driver.ts'
import { HypervisorError } from '../faults.ts'
import type { FakeDisks } from './disks.ts'
import { mustHaveAgent } from './facets.ts'
import type { FakeHypervisor } from './hypervisor.ts'

/** The disk is opened as it is now: later writes, and the guest's end, do not reach the snapshot. */
export const fakeSnapshots = (hypervisor: FakeHypervisor, disks: FakeDisks): Snapshots => ({
  take: (id, wish = {}) =>
    hypervisor.change('snapshot', id, async () => {
      const guest = hypervisor.existing(id)
      if (wish.quiesce === 'required' && guest.power === power.running) mustHaveAgent(guest)
      const { disk } = guest
      const isEncrypted = guest.spec.disks.some(({ kind, encryption }) => kind === 'image' && encryption !== undefined)
      if (isEncrypted && wish.encryption?.copy.base64 === undefined)
        throw HypervisorError({ operation: 'snapshot', reason: 'the root disk is encrypted' })
      if (disk === undefined) {
        throw HypervisorError({ operation: 'snapshot', reason: 'the guest has no root disk on this host' })
      }
      const opened = await disks.open(disk)
      return { diskFormat: disk.diskFormat, bits: opened.read(), release: () => opened.close() }
    }),
})
