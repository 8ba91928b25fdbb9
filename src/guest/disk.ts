import { type FileHandle, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KiB, MiB } from '#base'
import { specialFiles } from './root-tree.ts'
import { runTool } from './tool.ts'

export const rootLabel = 'guest-root'
/** Signature of the MBR; with it the root partition is PARTUUID=6e6f7661-02, which kernel.config has built in. */
const diskSignature = 0x6e6f7661
const commandLine = 'console=tty0 console=ttyS0 quiet no_timer_check root=PARTUUID=6e6f7661-02 rw'
const sector = 512
const firstSector = 2048
const mbrCode = '/usr/lib/syslinux/mbr/mbr.bin'

export interface DiskParts {
  readonly kernel: string
  readonly initrd?: Buffer
  /** The kernel carries its command line and may be started by UEFI itself. */
  readonly bootsFromUefi: boolean
  readonly rootTree: string
}

/** Assembles the disk in `folder`: partition 1 FAT with syslinux and kernel, partition 2 ext4. Returns the qcow2's path. */
export async function makeDisk(
  folder: string,
  parts: DiskParts,
  signal?: AbortSignal,
): Promise<{ path: string; virtualSizeBytes: number }> {
  const boot = await makeBootPartition(folder, parts, signal)
  const root = await makeRootPartition(folder, parts.rootTree, signal)
  const rootSector = firstSector + boot.sizeBytes / sector
  const virtualSizeBytes = rootSector * sector + root.sizeBytes
  const raw = join(folder, 'disk.raw')
  const disk = await open(raw, 'w')
  try {
    await disk.truncate(virtualSizeBytes)
    await disk.write(await masterBootRecord(boot.sizeBytes / sector, rootSector, root.sizeBytes / sector), 0, sector, 0)
    await copySparse(boot.path, disk, firstSector * sector)
    await copySparse(root.path, disk, rootSector * sector)
  } finally {
    await disk.close()
  }
  const path = join(folder, 'disk.qcow2')
  await runTool('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', 'compat=1.1', raw, path], {
    folder,
    signal,
  })
  return { path, virtualSizeBytes }
}

async function makeBootPartition(folder: string, parts: DiskParts, signal: AbortSignal | undefined) {
  const kernelBytes = (await stat(parts.kernel)).size
  const needed = kernelBytes + (parts.initrd?.length ?? 0) + MiB
  const sizeBytes = Math.ceil(needed / MiB) * MiB
  const path = join(folder, 'boot.fat')
  const run = (tool: string, args: string[]) => runTool(tool, args, { folder, signal })
  const blocks = String(sizeBytes / KiB)
  await run('mkfs.vfat', ['-n', 'BOOT', '-i', '4e4f5641', '-h', String(firstSector), '-C', path, blocks])
  await run('mmd', ['-i', path, '::EFI', '::EFI/BOOT'])
  // the same file serves syslinux and the UEFI firmware
  const kernelPath = parts.bootsFromUefi ? '/EFI/BOOT/BOOTX64.EFI' : '/vmlinuz.efi'
  await run('mcopy', ['-i', path, parts.kernel, `::${kernelPath}`])
  const lines = [
    'DEFAULT linux',
    'PROMPT 0',
    'TIMEOUT 0',
    'LABEL linux',
    `  LINUX ${kernelPath}`,
    `  APPEND ${commandLine}`,
  ]
  if (parts.initrd !== undefined) {
    await writeFile(join(folder, 'initrd'), parts.initrd)
    await run('mcopy', ['-i', path, join(folder, 'initrd'), '::/initrd'])
    lines.push('  INITRD /initrd')
  }
  if (!parts.bootsFromUefi) {
    // the firmware's shell, which is what it starts when it finds nothing else, passes the command line on
    const shell = `FS0:\r\n\\vmlinuz.efi ${commandLine} initrd=\\initrd\r\n`
    await writeFile(join(folder, 'startup.nsh'), shell)
    await run('mcopy', ['-i', path, join(folder, 'startup.nsh'), '::/startup.nsh'])
  }
  await writeFile(join(folder, 'syslinux.cfg'), `${lines.join('\n')}\n`)
  await run('mcopy', ['-i', path, join(folder, 'syslinux.cfg'), '::/syslinux.cfg'])
  await run('syslinux', ['--install', path])
  return { path, sizeBytes }
}

async function makeRootPartition(folder: string, tree: string, signal: AbortSignal | undefined) {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  let content = 0
  for (const entry of entries) {
    const bytes = entry.isFile() ? (await stat(join(entry.parentPath, entry.name))).size : 1
    if (!entry.isSymbolicLink()) content += Math.ceil(bytes / 4096) * 4096
  }
  // journal 4 MiB, inodes 0.5 MiB, and 4 MiB to write into before the file system has grown to the disk
  const sizeBytes = Math.ceil((content * 1.03 + 9 * MiB) / MiB) * MiB
  const path = join(folder, 'root.ext4')
  const make = ['-q', '-t', 'ext4', '-b', '4096', '-I', '256', '-N', '2048', '-m', '0', '-J', 'size=4', '-L', rootLabel]
  const extended = 'root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0'
  await runTool('mke2fs', [...make, '-E', extended, '-d', tree, path, `${sizeBytes / KiB}k`], { folder, signal })
  const paths = entries.map(entry => `${entry.parentPath.slice(tree.length)}/${entry.name}`)
  await setOwners(folder, path, paths, signal)
  return { path, sizeBytes }
}

/** Gives the files their owners inside the file system, as the builder may be any user. */
async function setOwners(folder: string, image: string, paths: readonly string[], signal: AbortSignal | undefined) {
  const commands = paths.flatMap(path => [`sif ${path} uid 0`, `sif ${path} gid 0`])
  for (const file of specialFiles) {
    commands.push(`sif ${file.path} uid ${file.uid}`, `sif ${file.path} gid ${file.gid}`)
    commands.push(`sif ${file.path} mode 0${file.mode.toString(8)}`)
  }
  await writeFile(join(folder, 'owners'), `${commands.join('\n')}\n`)
  const complaints: string[] = []
  const onLine = (line: string) => {
    if (!/^(debugfs|debugfs: .*|debugfs \d.*)$/.test(line) || /not found|rror/.test(line)) complaints.push(line)
  }
  await runTool('debugfs', ['-w', '-f', join(folder, 'owners'), image], { folder, signal, onLine })
  // debugfs ends with 0 whatever happened
  if (complaints.length > 0) throw new Error(`debugfs: ${complaints.slice(0, 5).join('; ')}`)
}

async function masterBootRecord(bootSectors: number, rootSector: number, rootSectors: number): Promise<Buffer> {
  const record = Buffer.alloc(sector)
  ;(await readFile(mbrCode)).copy(record, 0, 0, 440)
  record.writeUInt32LE(diskSignature, 440)
  const partition = (at: number, active: number, type: number, start: number, sectors: number) => {
    record.writeUInt8(active, at)
    record.writeUIntLE(0xfffffe, at + 1, 3) // no cylinders: addressed by sector number
    record.writeUInt8(type, at + 4)
    record.writeUIntLE(0xfffffe, at + 5, 3)
    record.writeUInt32LE(start, at + 8)
    record.writeUInt32LE(sectors, at + 12)
  }
  partition(446, 0x80, 0x0e, firstSector, bootSectors)
  partition(462, 0, 0x83, rootSector, rootSectors)
  record.writeUInt16LE(0xaa55, 510)
  return record
}

async function copySparse(from: string, disk: FileHandle, offset: number): Promise<void> {
  const source = await open(from, 'r')
  const block = Buffer.alloc(MiB)
  const zeros = Buffer.alloc(MiB)
  try {
    for (let at = 0; ; ) {
      const { bytesRead } = await source.read(block, 0, block.length, at)
      if (bytesRead === 0) return
      if (block.compare(zeros, 0, bytesRead, 0, bytesRead) !== 0) await disk.write(block, 0, bytesRead, offset + at)
      at += bytesRead
    }
  } finally {
    await source.close()
  }
}
