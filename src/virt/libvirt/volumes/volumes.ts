import { GiB, type InstanceId } from '#base'
import type { Connector, Volumes } from '../../driver.ts'
import { HypervisorError } from '../../faults.ts'
import type { GuestDisk } from '../../guest-spec.ts'
import { luksOffset } from '../disks/luks.ts'
import {
  placeVolume,
  renderXml,
  scsiController,
  throughIommu,
  volumeElement,
  type XmlElement,
} from '../domain/index.ts'
import { changeGuest } from '../guest/guest-change.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { blockProcedures, domainById, procedures } from '../rpc/index.ts'
import { nodeAt, type XmlNode } from '../xml-tree.ts'
import { AttachedDisks, type AttachedVolume } from './attached-disks.ts'
import { affect, type DevicePlace, removeFromDefinition, unplug } from './device-unplug.ts'
import { connectorOf } from './host-connector.ts'
import { swapVolume } from './volume-swap.ts'

/*
 * Theory of operation. A volume of a guest is in its definition and, if it runs, in its process. Plugging asks for both in
 * one call and, when found in one of them, for the other. Unplugging takes it from the process first and from the
 * definition once the guest has let go: so the definition never knows less than there is, and a guest that keeps a
 * disk still has it in both.
 */
export class LibvirtVolumes implements Volumes {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  async connector(): Promise<Connector> {
    return connectorOf(this.#context.identity)
  }

  attach(id: InstanceId, disk: GuestDisk): Promise<void> {
    return changeGuest(this.#context, 'attach volume', id, async () => {
      const guest = await this.#disks(id)
      const found = guest.find(volumeIdOf(disk))
      const missing = placesOf(guest).filter(place => found?.[place] === undefined)
      if (missing.length === 0) return
      try {
        await this.#plug(id, disk, guest, found, missing)
      } catch (error) {
        if (found === undefined) await this.#context.connections.release(id, volumeIdOf(disk))
        throw error
      }
    })
  }

  detach(id: InstanceId, volumeId: string): Promise<void> {
    return changeGuest(this.#context, 'detach volume', id, async () => {
      const found = (await this.#disks(id)).find(volumeId)
      if (found !== undefined) {
        const find = async (place: DevicePlace) => (await this.#disks(id)).find(volumeId)?.[place]
        if (found.live !== undefined) await unplug(this.#context, id, found.target, find)
        await removeFromDefinition(this.#context, id, find)
      }
      await this.#context.connections.release(id, volumeId)
    })
  }

  swap(id: InstanceId, oldVolumeId: string, disk: GuestDisk): Promise<void> {
    return changeGuest(this.#context, 'swap volume', id, () => swapVolume(this.#context, id, oldVolumeId, disk))
  }

  extend(id: InstanceId, volumeId: string, sizeGiB: number): Promise<void> {
    return changeGuest(this.#context, 'extend volume', id, async () => {
      const found = (await this.#disks(id)).find(volumeId)
      if (found === undefined) throw HypervisorError({ operation: 'extend volume', reason: notAttached(volumeId) })
      // One that is off sees the new size when it starts.
      if (found.live === undefined) return
      const bytes = sizeGiB * GiB - (await headerBytes(found.live))
      const size = { domain: domainById(id), disk: found.target, bytes }
      await this.#context.client.call(blockProcedures.resize, size, 'long')
    })
  }

  async #plug(
    id: InstanceId,
    disk: GuestDisk,
    guest: AttachedDisks,
    found: AttachedVolume | undefined,
    places: readonly DevicePlace[],
  ): Promise<void> {
    const { connections, host } = this.#context
    const prepared = await connections.prepareDisk(id, disk)
    const { isExpress, targets: used } = guest
    const free = placeVolume(prepared, host, { isExpress, used, scsiModel: guest.scsiModel ?? 'virtio-scsi' })
    const place = found === undefined ? free : { ...free, target: found.target }
    if (found === undefined && used.has(place.target))
      throw HypervisorError({ operation: 'attach volume', reason: `target ${place.target} already exists` })
    const shown = guest.hasEncryptedMemory ? throughIommu : (device: XmlElement) => device
    if (place.bus === 'scsi' && guest.scsiModel === undefined)
      await this.#add(id, renderXml(shown(scsiController())), places)
    const whole = shown(volumeElement(prepared, place, host))
    // After a swap the alias may be that of a running disk, which keeps it.
    const isTaken = guest.aliases.has(`ua-${volumeIdOf(disk)}`)
    const children = whole.children.filter(child => !isTaken || typeof child === 'string' || child.name !== 'alias')
    await this.#add(id, renderXml({ ...whole, children }), places)
  }

  async #add(id: InstanceId, xml: string, places: readonly DevicePlace[]): Promise<void> {
    const flags = places.reduce((sum, place) => sum + affect[place], 0)
    await this.#context.client.call(procedures.attachDevice, { domain: domainById(id), xml, flags }, 'long')
  }

  #disks(id: InstanceId): Promise<AttachedDisks> {
    return AttachedDisks.read(this.#context.client, id)
  }
}

/** What the guest does not see of an encrypted volume. */
async function headerBytes(live: XmlNode): Promise<number> {
  const source = nodeAt(live, 'source')
  const isEncrypted = nodeAt(live, 'encryption') !== undefined || (source && nodeAt(source, 'encryption')) !== undefined
  const path = source?.attributes['file'] ?? source?.attributes['dev']
  return isEncrypted && path !== undefined ? ((await luksOffset(path)) ?? 0) : 0
}

const notAttached = (volumeId: string): string => `volume ${volumeId} is not attached`

const volumeIdOf = (disk: GuestDisk): string => {
  if (disk.volume === null) throw HypervisorError({ operation: 'volume', reason: 'it is not connected' })
  return disk.volume.id
}

const placesOf = (guest: AttachedDisks): readonly DevicePlace[] =>
  guest.live === undefined ? ['config'] : ['config', 'live']
