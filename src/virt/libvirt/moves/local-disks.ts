import { basename, dirname, join, resolve } from 'node:path'
import { virtualBytesOf } from '../disks/grow-disk.ts'
import { exists } from '../guest/guest-files.ts'
import type { DiskFormat } from '../images/disk-info.ts'
import { qcow2HeaderOf } from '../images/qcow2-header.ts'
import { nodeAt, nodesAt, type XmlNode } from '../xml-tree.ts'

/** A disk of a guest that is a file of its host. */
export interface LocalDisk {
  /** In the guest's folder. */
  readonly name: string
  /** As the guest's definition calls it: `vda`. */
  readonly device: string
  readonly format: DiskFormat
  /** What the guest cannot write, libvirt does not copy. */
  readonly isReadOnly: boolean
  readonly virtualBytes: number
  /** Path of the image under it. */
  readonly backing: string | null
}

/** The disks of a definition that lie in this folder. */
export async function localDisks(domain: XmlNode, folder: string): Promise<readonly LocalDisk[]> {
  const disks: LocalDisk[] = []
  for (const node of nodesAt(domain, 'devices', 'disk')) {
    const path = nodeAt(node, 'source')?.attributes['file']
    const name = path === undefined ? undefined : basename(path)
    // By the last part: the folder may have another name by now.
    if (path === undefined || name === undefined || !isOfFolder(path, folder)) continue
    const file = join(folder, name)
    if (!(await exists(file))) continue
    const format: DiskFormat = nodeAt(node, 'driver')?.attributes['type'] === 'qcow2' ? 'qcow2' : 'raw'
    const backing = format === 'qcow2' ? ((await qcow2HeaderOf(file))?.backingFile ?? null) : null
    disks.push({
      name,
      device: nodeAt(node, 'target')?.attributes['dev'] ?? '',
      format,
      isReadOnly: nodeAt(node, 'readonly') !== undefined || node.attributes['device'] === 'cdrom',
      virtualBytes: await virtualBytesOf(file, format),
      backing: backing === null ? null : resolve(folder, backing),
    })
  }
  return disks
}

const asideOf = /_resize$/

const isOfFolder = (path: string, folder: string): boolean =>
  basename(dirname(path)) === basename(folder).replace(asideOf, '')
