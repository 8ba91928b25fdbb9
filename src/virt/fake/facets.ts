import type { InstanceId } from '#base'
import { power } from '../driver.ts'
import { AgentNotEnabled, GuestInWrongState, GuestNotRunning } from '../faults.ts'
import type {
  CrashDump,
  Fencing,
  GuestAgent,
  Quiesce,
  Rebuild,
  Rescue,
  Shares,
  SuspendToDisk,
} from '../guest-facets.ts'
import type { FakeDisks } from './disks.ts'
import { hasImage } from './guest.ts'
import type { GuestRecord } from './guest-record.ts'
import { type FakeHypervisor, idOf } from './hypervisor.ts'

const isUp = (hypervisor: FakeHypervisor, id: InstanceId): boolean => {
  const now = hypervisor.guests.get(id)?.power
  return now === power.running || now === power.paused
}

function shutDown(hypervisor: FakeHypervisor, id: InstanceId, gracefulMs: number): void {
  if (!isUp(hypervisor, id)) return
  hypervisor.turn(id, power.shutdown, 'stopped', gracefulMs > 0 && hypervisor.existing(id).power === power.running)
}

export const suspendToDisk = (hypervisor: FakeHypervisor): SuspendToDisk => ({
  suspend: id =>
    hypervisor.change('suspend', id, () => {
      if (hypervisor.existing(id).power === power.suspended) return
      if (!isUp(hypervisor, id)) throw GuestInWrongState({ id, operation: 'suspend', state: 'shut down' })
      hypervisor.turn(id, power.suspended, 'suspended')
    }),
  resume: (id, spec) =>
    hypervisor.change('resumeSuspended', id, () => {
      const guest = hypervisor.existing(id)
      if (guest.power === power.suspended) hypervisor.turn(id, power.running, 'resumed')
      else if (!isUp(hypervisor, id)) hypervisor.boot(spec, guest)
    }),
})

export const rescue = (hypervisor: FakeHypervisor): Rescue => ({
  enter: (id, spec, wish) =>
    hypervisor.change('rescue', id, () => {
      const guest = hypervisor.existing(id)
      if (guest.rescue?.imageId === wish.image.id && guest.power === power.running) return
      shutDown(hypervisor, id, wish.gracefulMs)
      const { stable, image, configDrive, directBoot } = wish
      hypervisor.boot(spec, hypervisor.existing(id), guest.disk, {
        imageId: image.id,
        device: stable?.device ?? 'disk',
        bus: stable?.bus ?? 'virtio',
        isStable: stable !== null,
        ...(configDrive === undefined ? {} : { configDrive: configDrive.format }),
        ...(directBoot === undefined
          ? {}
          : { kernelId: directBoot.kernel.id, ramdiskId: directBoot.ramdisk?.id ?? null }),
      })
    }),
  leave: (id, spec) =>
    hypervisor.change('unrescue', id, () => {
      const guest = hypervisor.existing(id)
      if (guest.rescue === undefined && isUp(hypervisor, id)) return
      shutDown(hypervisor, id, 0)
      hypervisor.boot(spec, hypervisor.existing(id))
    }),
})

export const rebuild = (hypervisor: FakeHypervisor, disks: FakeDisks): Rebuild => ({
  rebuild: (spec, { keepsEphemeral, gracefulMs }) =>
    hypervisor.change('rebuild', spec.id, async () => {
      shutDown(hypervisor, spec.id, gracefulMs)
      const before = hypervisor.guests.get(spec.id)
      // Root disks on volumes are the volume's.
      const disk = hasImage(spec) ? await disks.make(spec.id, spec.image) : undefined
      const drive = spec.configDrive?.format ?? before?.configDrive
      const made = (before?.ephemeralMade ?? 0) + (keepsEphemeral ? 0 : 1)
      const anew = { boots: 0, ephemeralMade: made, ...(drive === undefined ? {} : { configDrive: drive }) }
      hypervisor.boot(spec, before === undefined ? undefined : { ...before, ...anew }, disk)
      if (disk !== undefined) await disks.remove(before?.disk)
    }),
})

const saysNo = new Set(['no', 'false', '0', 'off'])

/** The system in a fake guest has an agent, unless its image says that it has none. */
export function mustHaveAgent({ spec }: GuestRecord): void {
  const said = spec.image?.properties['hw_qemu_guest_agent'] ?? 'yes'
  if (saysNo.has(said.toLowerCase())) throw AgentNotEnabled({})
}

export const guestAgent = (hypervisor: FakeHypervisor): GuestAgent => ({
  setPassword: (id, user) =>
    hypervisor.change('setPassword', id, () => {
      const guest = hypervisor.existing(id)
      if (guest.power !== power.running) throw GuestInWrongState({ id, operation: 'set the password of', state: 'off' })
      mustHaveAgent(guest)
      hypervisor.put(id, { ...guest, passwords: [...(guest.passwords ?? []), { user }] })
    }),
})

export const quiesce = (hypervisor: FakeHypervisor): Quiesce => ({
  freeze: (id, atMostMs) =>
    hypervisor.change('quiesce', id, () => {
      const guest = hypervisor.existing(id)
      if (guest.power !== power.running) throw GuestInWrongState({ id, operation: 'quiesce', state: 'off' })
      mustHaveAgent(guest)
      hypervisor.put(id, { ...guest, frozenUntilMs: hypervisor.clock.now() + atMostMs })
    }),
  thaw: id =>
    hypervisor.change('thaw', id, () => {
      const guest = hypervisor.guests.get(id)
      if (guest !== undefined) hypervisor.put(id, { ...guest, frozenUntilMs: null })
    }),
})

export const crashDump = (hypervisor: FakeHypervisor): CrashDump => ({
  trigger: id =>
    hypervisor.change('crashDump', id, () => {
      const guest = hypervisor.existing(id)
      if (!isUp(hypervisor, id)) throw GuestNotRunning({ id })
      hypervisor.put(id, { ...guest, dumps: (guest.dumps ?? 0) + 1 })
    }),
})

export const shares = (hypervisor: FakeHypervisor): Shares => ({
  mount: (id, share) =>
    hypervisor.change('mountShare', id, () => {
      const guest = hypervisor.existing(id)
      const mounted = guest.mounted ?? []
      if (!mounted.includes(share.id)) hypervisor.put(id, { ...guest, mounted: [...mounted, share.id] })
    }),
  unmount: (id, keptIds) =>
    hypervisor.change('unmountShares', id, () => {
      const guest = hypervisor.guests.get(id)
      const kept = guest?.mounted?.filter(share => keptIds.includes(share))
      if (guest !== undefined && kept?.length !== guest.mounted?.length)
        hypervisor.put(id, { ...guest, mounted: kept ?? [] })
    }),
})

export const fencing = (hypervisor: FakeHypervisor): Fencing => ({
  killAll: async () => {
    const running = [...hypervisor.guests.values()].map(idOf).filter(id => isUp(hypervisor, id))
    for (const id of running) hypervisor.turn(id, power.shutdown, 'stopped')
    return running.length
  },
})
