import { open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HypervisorError } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { headerFor } from '../disks/disk-key.ts'
import { mustHaveRoom } from '../disks/disk-room.ts'
import { createQcow2 } from '../disks/new-qcow2.ts'
import { encryptionOf } from '../disks/spare-disks.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { type DiskFormat, recordFormat } from '../images/disk-info.ts'
import type { FileFetcher } from './fetch-files.ts'
import type { LocalDisk } from './local-disks.ts'

/** Under this name the image under a disk is handed out. */
export const backingName = (disk: LocalDisk): string => `base:${disk.name}`

/**
 * The image under a disk, on this host: its own copy of the image, or if that is not to be had any more the other host's.
 */
export async function backingHere(
  context: GuestContext,
  spec: GuestSpec,
  disk: LocalDisk & { readonly backing: string },
  fetcher: FileFetcher | undefined,
): Promise<{ readonly path: string; readonly format: DiskFormat }> {
  const { images, files, log } = context
  const name = basename(disk.backing)
  if (name === basename(images.pathOf(spec.image))) {
    try {
      return await images.base(spec.image, 0)
    } catch (error) {
      if (fetcher === undefined) throw error
      log.info({ instance_id: spec.id, image_id: spec.image.id, err: error }, 'the image comes from the other host')
    }
  }
  const path = join(images.folder, name)
  if (await exists(path)) return { path, format: 'raw' }
  if (fetcher === undefined) {
    throw HypervisorError({ operation: 'move', reason: `the image ${name} under the guest's disk is not on this host` })
  }
  const fetched = join(files.folderOf(spec.id), `base-${disk.name}`)
  await fetcher.fetch(backingName(disk), fetched)
  await rename(fetched, path)
  return { path, format: 'raw' }
}

/** An empty disk of the same shape, into which a running guest's disk is then copied. */
export async function makeEmptyDisk(
  context: GuestContext,
  spec: GuestSpec,
  disk: LocalDisk,
  fetcher: FileFetcher | undefined,
): Promise<void> {
  const path = join(context.files.folderOf(spec.id), disk.name)
  // Whatever an earlier copy has left is older than what comes.
  await rm(path, { force: true })
  if (disk.name === 'disk') await recordFormat(path, disk.format)
  if (disk.format === 'raw') return makeSparse(path, disk.virtualBytes)
  // The same passphrase opens it; the key that it wraps is another one.
  const encryption = encryptionOf(spec, context.files, disk.name)
  const locked = encryption === undefined ? {} : { luksHeader: headerFor(encryption) }
  const { virtualBytes, backing } = disk
  if (backing === null) return createQcow2(path, { virtualBytes, ...locked })
  const base = await backingHere(context, spec, { ...disk, backing }, fetcher)
  return createQcow2(path, { virtualBytes, backing: { file: base.path, format: base.format }, ...locked })
}

async function makeSparse(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  await file.truncate(bytes)
}

export async function mustHaveRoomFor(folder: string, disks: readonly LocalDisk[]): Promise<void> {
  const bytes = disks.reduce((sum, disk) => sum + disk.virtualBytes, 0)
  await mustHaveRoom(folder, bytes)
}
