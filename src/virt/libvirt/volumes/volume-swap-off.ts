import { stat, truncate } from 'node:fs/promises'
import type { InstanceId } from '#base'
import { GuestInWrongState } from '../../faults.ts'
import type { GuestDisk } from '../../guest-spec.ts'
import { defineDisk, placeOf } from '../disks/swap-place.ts'
import { volumeElement } from '../domain/index.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { qemuImg } from '../images/qemu-img.ts'
import { nodeAt, textAt, type XmlNode } from '../xml-tree.ts'
import type { AttachedVolume } from './attached-disks.ts'
import { VolumeRebaseFailed } from './volume-faults.ts'

const copyCpuSeconds = 6 * 3600

const pathOf = (disk: XmlNode): string | undefined => {
  const source = nodeAt(disk, 'source')?.attributes
  return source?.['file'] ?? source?.['dev']
}

/**
 * A guest that has ended in the middle of a swap: it has the new volume when its definition says so. Going back from there
 * is a copy of ours, because no process of its own can do it; so only what this host can open is copied.
 */
export async function swapOff(
  context: GuestContext,
  id: InstanceId,
  { target, config }: AttachedVolume,
  disk: GuestDisk,
  oldVolumeId: string,
): Promise<void> {
  const { connections, host } = context
  if (config === undefined || textAt(config, 'serial') === disk.volume?.id) return
  const prepared = await connections.prepareDisk(id, disk)
  const path = prepared.volume?.connection.data['device_path']
  const from = pathOf(config)
  if (typeof path !== 'string' || from === undefined || nodeAt(config, 'source', 'encryption') !== undefined)
    throw GuestInWrongState({ id, operation: 'swap volume', state: 'off' })
  if (from !== path) await copyFile(from, path, nodeAt(config, 'driver')?.attributes['type'] ?? 'raw')
  await defineDisk(context, id, volumeElement(prepared, placeOf(target, config), host))
  await connections.release(id, oldVolumeId)
}

async function copyFile(from: string, to: string, format: string): Promise<void> {
  const [source, made] = [await stat(from), await stat(to)]
  if (made.isFile() && made.size < source.size) await truncate(to, source.size)
  const copy = ['convert', '-n', '-f', format, '-O', 'raw', from, to]
  const result = await qemuImg(copy, { cpuSeconds: copyCpuSeconds })
  if (result.exitCode !== 0) throw VolumeRebaseFailed({ reason: result.stderr })
}
