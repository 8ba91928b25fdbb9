import { open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { GiB, MiB } from '#base'
import { HypervisorError } from '../../faults.ts'
import type { DiskEncryption, GuestDisk, GuestSpec } from '../../guest-spec.ts'
import { ephemeralIndex } from '../domain/index.ts'
import { exists, type GuestFiles } from '../guest/guest-files.ts'
import { runLimited } from '../images/qemu-img.ts'
import { makeEncrypted } from './encrypted-disk.ts'

/** How ephemeral disks are formatted when nobody asks for anything else. */
export interface EphemeralFormat {
  /** `default_ephemeral_format` */
  readonly format: string | undefined
  /** `virt_mkfs`: `%(fs_label)s` and `%(target)s` stand for the disk's label and path; by operating system, or `default`. */
  readonly commands: Readonly<Record<string, string>>
}

export const usualEphemeralFormat: EphemeralFormat = { format: undefined, commands: {} }

/** `windows=mkfs.ntfs --label %(fs_label)s %(target)s` of each entry. */
export const mkfsCommands = (entries: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    entries.flatMap(entry => {
      const at = entry.indexOf('=')
      return at > 0 ? [[entry.slice(0, at).trim(), entry.slice(at + 1).trim()]] : []
    }),
  )

const formatCpuSeconds = 60
/** A disk that the guest formats itself. */
const unformatted = 'none'

type Command = readonly [program: string, ...args: string[]]

const ext = (version: number, label: string): Command => [
  `mkfs.ext${version}`,
  '-q',
  '-F',
  '-L',
  label,
  '-E',
  'lazy_itable_init=1,lazy_journal_init=1',
]

const makers: Readonly<Record<string, (label: string) => Command>> = {
  ext2: label => ext(2, label),
  ext3: label => ext(3, label),
  ext4: label => ext(4, label),
  xfs: label => ['mkfs.xfs', '-q', '-f', '-L', label],
  vfat: label => ['mkfs.vfat', '-n', label.toUpperCase()],
  ntfs: label => ['mkfs.ntfs', '--quiet', '--force', '--fast', '--label', label],
}

const fill = (template: string, label: string, target: string): readonly string[] =>
  template
    .split(/\s+/)
    .filter(word => word !== '')
    .map(word => word.replaceAll('%(fs_label)s', label).replaceAll('%(target)s', target))

/** The command that formats this ephemeral disk at a path; none for one that stays as it is. */
function formatCommand(spec: GuestSpec, disk: GuestDisk, target: string, usual: EphemeralFormat): readonly string[] {
  const label = `ephemeral${ephemeralIndex(spec, disk)}`
  const osType = spec.image.properties['os_type'] ?? ''
  const template = disk.format === null ? (usual.commands[osType] ?? usual.commands['default']) : undefined
  if (template !== undefined) return fill(template, label, target)
  const format = disk.format ?? usual.format ?? (osType === 'windows' ? 'ntfs' : 'ext4')
  if (format === unformatted) return []
  const maker = makers[format]
  if (maker === undefined)
    throw HypervisorError({ operation: 'ephemeral disk', reason: `${format} format is not supported` })
  return [...maker(label), target]
}

/**
 * The guest's ephemeral disks, labelled as Nova labels them, and its swap disk, made once: sparse raw files, or qcow2s that
 * are encrypted.
 */
export async function makeSpareDisks(spec: GuestSpec, files: GuestFiles, usual: EphemeralFormat): Promise<void> {
  for (const disk of spec.disks) {
    if (disk.kind === 'ephemeral') {
      const path = files.ephemeral(spec.id, ephemeralIndex(spec, disk))
      const command = (target: string) => formatCommand(spec, disk, target, usual)
      await makeDisk(path, disk.size * GiB, command, disk.encryption)
    } else if (disk.kind === 'swap')
      await makeDisk(files.swap(spec.id), disk.size * MiB, target => ['mkswap', '--quiet', target], disk.encryption)
  }
}

/** Where a disk lies on this host; undefined for one that is not its own. */
function pathOf(spec: GuestSpec, disk: GuestDisk, files: GuestFiles): string | undefined {
  if (disk.kind === 'image') return files.disk(spec.id)
  if (disk.kind === 'swap') return files.swap(spec.id)
  return disk.kind === 'ephemeral' ? files.ephemeral(spec.id, ephemeralIndex(spec, disk)) : undefined
}

/** Where the disks lie that a guest has on this host. */
export const localDisks = (spec: GuestSpec, files: GuestFiles): readonly string[] =>
  spec.disks.flatMap(disk => pathOf(spec, disk, files) ?? [])

/** How the disk with this file name in the guest's folder is encrypted; undefined: not at all. */
export const encryptionOf = (spec: GuestSpec, files: GuestFiles, name: string): DiskEncryption | undefined =>
  spec.disks.find(disk => basename(pathOf(spec, disk, files) ?? '') === name)?.encryption

async function makeDisk(
  path: string,
  bytes: number,
  command: (target: string) => readonly string[],
  encryption: DiskEncryption | undefined,
): Promise<void> {
  if (await exists(path)) return
  const partial = `${path}.part`
  const [program, ...args] = command(partial)
  await rm(partial, { force: true })
  const file = await open(partial, 'wx', 0o600)
  try {
    await file.truncate(bytes)
  } finally {
    await file.close()
  }
  if (program !== undefined) {
    const result = await runLimited(program, args, { cpuSeconds: formatCpuSeconds })
    if (result.exitCode !== 0) throw HypervisorError({ operation: program, reason: result.stderr })
  }
  if (encryption === undefined) return rename(partial, path)
  const encrypted = `${path}.encrypted`
  const result = await makeEncrypted(encrypted, { path: partial, format: 'raw' }, bytes, encryption)
  if (result.exitCode !== 0) throw HypervisorError({ operation: 'encrypted disk', reason: result.stderr })
  await rename(encrypted, path)
  await rm(partial)
}
