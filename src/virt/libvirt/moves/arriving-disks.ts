import { open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HypervisorError } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { mustHaveRoom } from '../disks/disk-room.ts'
import { createOverlay } from '../disks/qcow2-overlay.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { type DiskFormat, recordFormat } from '../images/disk-info.ts'
import { qemuImg } from '../images/qemu-img.ts'
import type { FileFetcher } from './fetch-files.ts'
import type { LocalDisk } from './local-disks.ts'

const createCpuSeconds = 60

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
  if (disk.backing !== null) {
    const base = await backingHere(context, spec, { ...disk, backing: disk.backing }, fetcher)
    return createOverlay(path, base.path, disk.virtualBytes, base.format)
  }
  const args = ['create', '-q', '-f', 'qcow2', path, String(disk.virtualBytes)]
  const { exitCode, stderr } = await qemuImg(args, { cpuSeconds: createCpuSeconds })
  if (exitCode !== 0) throw HypervisorError({ operation: 'live migration', reason: stderr })
}

async function makeSparse(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  await file.truncate(bytes)
}

export async function mustHaveRoomFor(folder: string, disks: readonly LocalDisk[]): Promise<void> {
  const bytes = disks.reduce((sum, disk) => sum + disk.virtualBytes, 0)
  await mustHaveRoom(folder, bytes)
}
