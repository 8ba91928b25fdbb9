import { open } from 'node:fs/promises'
import { HypervisorError } from '../../faults.ts'
import type { GuestConfigDrive, GuestSpec } from '../../guest-spec.ts'
import type { GuestFiles } from '../guest/guest-files.ts'
import { readAt } from '../images/read-at.ts'

/** Writes the image of a config drive: under `path` there is all of it or nothing, for the hypervisor's user alone. */
export type ConfigDriveWriter = (drive: {
  readonly path: string
  readonly format: GuestConfigDrive['format']
  readonly files: readonly { readonly path: string; readonly content: Uint8Array }[]
}) => Promise<void>

/** The drive of a spec that has one; one that an interrupted attempt has left is written anew. */
export async function makeConfigDrive(
  spec: GuestSpec,
  path: string,
  write: ConfigDriveWriter | undefined,
): Promise<void> {
  const { configDrive } = spec
  if (configDrive === undefined) return
  if (write === undefined) {
    throw HypervisorError({ operation: 'config drive', reason: 'this host was started without a way to write one' })
  }
  await write({
    path,
    format: configDrive.format,
    files: configDrive.files.map(({ path, base64 }) => ({ path, content: Buffer.from(base64, 'base64') })),
  })
}

/** The volume descriptor of ISO 9660, in sector 16, and what it begins with. */
const descriptor = { at: 16 * 2048 + 1, magic: 'CD001' }

/**
 * The spec with the drive that the guest has. Its format is read off the drive: nova.conf may name another one by now, and
 * a guest that knows a CD-ROM shall not find a disk.
 */
export async function withKeptConfigDrive(spec: GuestSpec, files: GuestFiles): Promise<GuestSpec> {
  const { configDrive: _made, ...plain } = spec
  try {
    await using drive = await open(files.configDrive(spec.id))
    const found = await readAt(drive, descriptor.at, descriptor.magic.length)
    const format = found.toString('latin1') === descriptor.magic ? 'iso9660' : 'vfat'
    return { ...plain, configDrive: { format, files: [] } }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return plain
    throw error
  }
}
