import { fromJson } from '#base'
import { power } from '../driver.ts'
import { GuestNotFound, HypervisorError, ResizeRefused } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'
import type { ColdMigration, MoveOffer } from '../moves.ts'
import type { FakeDisks } from './disks.ts'
import type { GuestRecord } from './guest-record.ts'
import { type FakeHypervisor, idOf } from './hypervisor.ts'

const isUp = (guest: GuestRecord): boolean => guest.power === power.running || guest.power === power.paused

/** Disks are copied as they are and grown at the target; there is no way to make one smaller. */
function refuseShrinking({ spec, disks }: GuestRecord, wanted: GuestSpec['flavor']): void {
  const now = spec.flavor
  const hasRoot = disks.some(disk => disk.kind === 'image')
  if ((hasRoot && wanted.rootGiB < now.rootGiB) || wanted.ephemeralGiB < now.ephemeralGiB)
    throw ResizeRefused({ reason: 'Unable to resize disk down.' })
}

/** The guest goes with its offer: several hosts of one test cloud, or of one after a restart, need nothing between them. */
const offerOf = (guest: GuestRecord, { folder }: FakeDisks): MoveOffer => ({
  hypervisorType: 'fake',
  detail: { guest, folder },
})

function guestOf({ hypervisorType, detail }: MoveOffer): GuestRecord {
  if (hypervisorType !== 'fake')
    throw HypervisorError({
      operation: 'receive',
      reason: `the guest comes from a hypervisor of type ${hypervisorType}`,
    })
  return fromJson<GuestRecord>(JSON.stringify(detail['guest']))
}

async function copyOf(
  hypervisor: FakeHypervisor,
  disks: FakeDisks,
  id: string,
  offer: MoveOffer,
): Promise<GuestRecord> {
  const { disk, ...guest } = guestOf(offer)
  const own = disk === undefined ? {} : { disk: await disks.copy(id, disk, String(offer.detail['folder'])) }
  return { ...guest, ...own, display: hypervisor.freeDisplay() }
}

function plain(spec: GuestSpec): GuestRecord['spec'] {
  const { configDrive: _, ...rest } = spec
  return rest
}

export const coldMigration = (hypervisor: FakeHypervisor, disks: FakeDisks): ColdMigration => ({
  offer: (spec, { gracefulMs }) =>
    hypervisor.change('offer', spec.id, () => {
      const guest = hypervisor.guests.get(spec.id)
      const aside = hypervisor.aside.get(spec.id)
      if (guest === undefined) {
        if (aside === undefined) throw GuestNotFound({ id: spec.id })
        return offerOf(aside, disks)
      }
      refuseShrinking(guest, spec.flavor)
      const off: GuestRecord = { ...guest, power: power.shutdown, wasShutDown: isUp(guest) && gracefulMs > 0 }
      hypervisor.remove(spec.id, off)
      return offerOf(off, disks)
    }),
  receive: (offer, spec, { isOn }) =>
    hypervisor.change('receive', spec.id, async () => {
      const here = hypervisor.guests.get(spec.id)
      const before = here ?? (await copyOf(hypervisor, disks, spec.id, offer))
      const received = { ...before, spec: plain(spec), vifs: spec.vifs, disks: spec.disks }
      hypervisor.put(spec.id, received)
      if (isOn && !isUp(received)) hypervisor.boot(spec, received)
    }),
  discard: id =>
    hypervisor.change('discard', id, async () => {
      await disks.remove(hypervisor.guests.get(id)?.disk)
      hypervisor.remove(id)
    }),
  setAside: () => hypervisor.ask('list', () => [...hypervisor.aside.values()].map(idOf)),
  confirm: id =>
    hypervisor.change('confirm', id, async () => {
      await disks.remove(hypervisor.aside.get(id)?.disk)
      hypervisor.write(id, { aside: null })
    }),
  revert: (spec, { isOn }) =>
    hypervisor.change('revert', spec.id, () => {
      const aside = hypervisor.aside.get(spec.id)
      if (aside !== undefined) {
        const display = hypervisor.freeDisplay()
        hypervisor.write(spec.id, {
          guest: { ...aside, spec: plain(spec), vifs: spec.vifs, disks: spec.disks, display },
          aside: null,
        })
      }
      const guest = hypervisor.existing(spec.id)
      if (isOn && !isUp(guest)) hypervisor.boot(spec, guest)
    }),
})
