import type { InstanceId } from '#base'
import { type DiskPlace, renderXml, type XmlElement } from '../domain/index.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainById, procedures } from '../rpc/index.ts'
import { affect } from '../volumes/device-unplug.ts'
import { nodeAt, type XmlNode } from '../xml-tree.ts'

/** The place of a disk that the guest has, for the one that comes instead. */
export function placeOf(target: string, disk: XmlNode): DiskPlace {
  const bus = nodeAt(disk, 'target')?.attributes['bus'] ?? 'virtio'
  const address = nodeAt(disk, 'address')?.attributes
  const unit = bus === 'scsi' && address?.['type'] === 'drive' ? Number(address['unit']) : undefined
  const device = disk.attributes['device'] as DiskPlace['device']
  return { device, bus: bus as DiskPlace['bus'], target, unit }
}

/** What the guest has at its next start under the name of this disk. */
export async function defineDisk({ client }: GuestContext, id: InstanceId, disk: XmlElement): Promise<void> {
  const request = { domain: domainById(id), xml: renderXml(disk), flags: affect.config }
  await client.call(procedures.updateDevice, request, 'long')
}
