import { instanceId } from '#base'
import { power, type VolumeSnapshots, type Volumes } from '../driver.ts'
import { GuestInWrongState, HypervisorError } from '../faults.ts'
import type { GuestDisk } from '../guest-spec.ts'
import type { GuestRecord } from './guest-record.ts'
import type { FakeHypervisor } from './hypervisor.ts'

const diskOf = (guest: GuestRecord, volumeId: string): GuestDisk | undefined =>
  guest.disks.find(disk => disk.volume?.id === volumeId)

function attachedDisk(guest: GuestRecord, volumeId: string, operation: string): GuestDisk {
  const disk = diskOf(guest, volumeId)
  if (disk === undefined) throw HypervisorError({ operation, reason: `volume ${volumeId} is not attached` })
  return disk
}

const replaced = (guest: GuestRecord, old: GuestDisk, disk: GuestDisk): GuestRecord => ({
  ...guest,
  disks: guest.disks.map(d => (d === old ? disk : d)),
})

function withDisk(guest: GuestRecord, disk: GuestDisk): GuestRecord {
  if (disk.volume !== null && diskOf(guest, disk.volume.id) !== undefined) return guest
  if (guest.disks.some(d => d.deviceName === disk.deviceName))
    throw HypervisorError({ operation: 'attach volume', reason: `target ${disk.deviceName} already exists` })
  return { ...guest, disks: [...guest.disks, disk] }
}

function swapped(guest: GuestRecord, oldVolumeId: string, disk: GuestDisk): GuestRecord {
  if (disk.volume !== null && diskOf(guest, disk.volume.id) !== undefined) return guest
  // Only a running process can copy under a guest.
  if (guest.power !== power.running && guest.power !== power.paused)
    throw GuestInWrongState({ id: guest.spec.id, operation: 'swap volume', state: 'off' })
  const old = attachedDisk(guest, oldVolumeId, 'swap volume')
  return replaced(guest, old, { ...disk, deviceName: old.deviceName })
}

export const fakeVolumes = (hypervisor: FakeHypervisor, host: string): Volumes => ({
  connector: () =>
    hypervisor.ask('volumeConnector', () => ({
      host,
      ip: '127.0.0.1',
      platform: 'x86_64',
      os_type: 'linux',
      multipath: false,
      initiator: `iqn.2026-11.nova.fake:${host}`,
    })),
  attach: (id, disk) =>
    hypervisor.change('attachVolume', id, () => hypervisor.put(id, withDisk(hypervisor.existing(id), disk))),
  detach: (id, volumeId) =>
    hypervisor.change('detachVolume', id, () => {
      const guest = hypervisor.existing(id)
      hypervisor.letGo(guest)
      hypervisor.put(id, { ...guest, disks: guest.disks.filter(disk => disk.volume?.id !== volumeId) })
    }),
  swap: (id, oldVolumeId, disk) =>
    hypervisor.change('swapVolume', id, () => hypervisor.put(id, swapped(hypervisor.existing(id), oldVolumeId, disk))),
  extend: (id, volumeId, sizeGiB) =>
    hypervisor.change('extendVolume', id, () => {
      const guest = hypervisor.existing(id)
      const disk = attachedDisk(guest, volumeId, 'extend volume')
      hypervisor.put(id, replaced(guest, disk, { ...disk, size: sizeGiB }))
    }),
})

export const fakeVolumeSnapshots = (hypervisor: FakeHypervisor): VolumeSnapshots => ({
  create: (id, volumeId, { newFile }) =>
    hypervisor.change('snapshotVolume', id, () => {
      const guest = hypervisor.existing(id)
      attachedDisk(guest, volumeId, 'snapshot volume')
      const files = guest.overlays[volumeId] ?? []
      if (files.includes(newFile)) return
      hypervisor.put(instanceId(id), { ...guest, overlays: { ...guest.overlays, [volumeId]: [...files, newFile] } })
    }),
  remove: (id, volumeId, { fileToMerge }) =>
    hypervisor.change('snapshotVolume', id, () => {
      const guest = hypervisor.existing(id)
      attachedDisk(guest, volumeId, 'merge snapshot of volume')
      // Without a file the newest one is merged into its base.
      const files = guest.overlays[volumeId] ?? []
      const left = fileToMerge === null ? files.slice(0, -1) : files.filter(file => file !== fileToMerge)
      hypervisor.put(id, { ...guest, overlays: { ...guest.overlays, [volumeId]: left } })
    }),
})
