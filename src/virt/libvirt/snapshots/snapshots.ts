import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type InstanceId, MiB } from '#base'
import type { DiskSnapshot, Snapshots, SnapshotWish } from '../../driver.ts'
import { HypervisorError } from '../../faults.ts'
import type { Quiesce } from '../../guest-facets.ts'
import { abortBackup, backupTargets, beginBackup, whenBackupEnds } from '../disks/disk-backup.ts'
import { headerFor, passphraseOf } from '../disks/disk-key.ts'
import { fullOr, mustHaveRoom } from '../disks/disk-room.ts'
import { makeEncrypted } from '../disks/encrypted-disk.ts'
import { virtualBytesOf } from '../disks/grow-disk.ts'
import { createQcow2 } from '../disks/new-qcow2.ts'
import type { SnapshotFormat } from '../disks/storage.ts'
import { LibvirtGuest } from '../guest/guest.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { hasProcess } from '../guest/power.ts'
import { type DiskFormat, formatOfDisk } from '../images/disk-info.ts'
import { inspectImage } from '../images/image-format.ts'
import { qcow2HeaderOf } from '../images/qcow2-header.ts'
import { qemuImg } from '../images/qemu-img.ts'
import { domainById, procedures } from '../rpc/index.ts'
import { giveDiskSecret } from '../secrets/guest-secrets.ts'
import { nodeAt, nodesAt, parseXml, type XmlNode } from '../xml-tree.ts'
import { FileSystemFreeze } from './file-system-freeze.ts'
import { SnapshotPlace } from './snapshot-place.ts'

/** Disks are large and compression is slow. */
const convertCpuSeconds = 6 * 3600

interface RootDisk {
  readonly path: string
  readonly format: DiskFormat
  /** As libvirt names it: `vda`. */
  readonly device: string
  readonly isReadOnly: boolean
  readonly isEncrypted: boolean
}

/*
 * Theory of operation. A guest that has a process is copied by QEMU's backup job (disk-backup.ts), one that is off by
 * qemu-img; both make a file that stands alone, in a folder of its own below snapshots_directory, which is read from there.
 * A crash of ours may leave that folder, a job that fills it, and a frozen guest. All three name themselves, and are
 * settled at the next start and before the next snapshot of the guest. The guest's definition is never touched.
 */
export class LibvirtSnapshots implements Snapshots {
  readonly #context: GuestContext
  readonly #freeze: FileSystemFreeze
  readonly #place: SnapshotPlace

  constructor(context: GuestContext) {
    this.#context = context
    this.#freeze = new FileSystemFreeze(context)
    this.#place = new SnapshotPlace(context.storage.snapshotsPath)
  }

  take(id: InstanceId, wish: SnapshotWish = {}): Promise<DiskSnapshot> {
    const { changing, existing } = new LibvirtGuest(id, this.#context).steps
    return changing('snapshot', async () => {
      await existing()
      await this.#settle(id)
      const disk = await this.#rootDisk(id, wish)
      const folder = await this.#place.make(id)
      try {
        const diskFormat = disk.isEncrypted ? 'qcow2' : (this.#context.storage.snapshotFormat ?? disk.format)
        const file = await this.#extract(id, disk, diskFormat, folder, wish)
        await mustBe(id, file, diskFormat, disk, await virtualBytesOf(disk.path, disk.format))
        return { diskFormat, bits: bitsOf(file), release: () => this.#place.remove(folder) }
      } catch (error) {
        await this.#place.remove(folder)
        throw fullOr(error, folder, MiB)
      }
    })
  }

  /** The same for copies that others make. */
  get quiesce(): Quiesce {
    return this.#freeze
  }

  close(): Promise<void> {
    return this.#freeze.close()
  }

  /** What processes before us left of snapshots: jobs, files, frozen guests. */
  async settle(): Promise<void> {
    void this.#freeze.settle()
    for (const { id } of await this.#place.left()) await this.#settle(id as InstanceId)
  }

  async #settle(id: InstanceId): Promise<void> {
    await this.#freeze.thaw(id)
    const targets = await backupTargets(this.#context, id)
    // Ours too: a copy of before, that could not be ended because libvirt was away.
    if (targets.some(target => this.#place.isAbandoned(dirname(target), id))) await this.#endCopy(id)
    for (const left of await this.#place.left()) if (left.id === id) await this.#place.remove(left.folder)
  }

  /** How it ended does not matter: nobody wants it any more. */
  async #endCopy(id: InstanceId): Promise<void> {
    try {
      await abortBackup(this.#context, id)
    } catch (error) {
      this.#context.log.info({ instance_id: id, err: error }, 'a copy of the disk that nobody waits for was ended')
    }
  }

  async #rootDisk(id: InstanceId, { encryption }: SnapshotWish): Promise<RootDisk> {
    const { client, files } = this.#context
    const path = files.disk(id)
    const document = parseXml(await client.call(procedures.xml, { domain: domainById(id), flags: 0 }))
    const disk = nodesAt(document, 'devices', 'disk').find(node => nodeAt(node, 'source')?.attributes.file === path)
    const refuse = (reason: string) => HypervisorError({ operation: 'snapshot', reason })
    if (disk === undefined) throw refuse('the guest has no root disk on this host')
    // What its owner keeps encrypted must not lie in the image service for all to read.
    const isEncrypted = hasEncryption(disk)
    if (isEncrypted && encryption === undefined) throw refuse('the root disk is encrypted')
    const device = nodeAt(disk, 'target')?.attributes.dev ?? ''
    const isReadOnly = nodeAt(disk, 'readonly') !== undefined
    return { path, format: formatOfDisk(path), device, isReadOnly, isEncrypted }
  }

  async #extract(
    id: InstanceId,
    disk: RootDisk,
    wanted: SnapshotFormat,
    folder: string,
    wish: SnapshotWish,
  ): Promise<string> {
    const { existing } = new LibvirtGuest(id, this.#context).steps
    // QEMU cannot do both.
    const isCompressed = wanted === 'qcow2' && this.#context.storage.compressesSnapshots && !disk.isEncrypted
    await mustHaveRoom(folder, await allocatedBytes(disk))
    const result = join(folder, `disk.${wanted}`)
    if (hasProcess(await existing()) && !disk.isReadOnly) {
      // QEMU writes no other formats than these well.
      const format = wanted === 'raw' ? 'raw' : 'qcow2'
      const copy = wanted === format && !isCompressed ? result : join(folder, 'copy')
      const secretId = disk.isEncrypted ? await this.#lockedTarget(id, disk, copy, wish) : undefined
      const end = await this.#copyLive(id, { device: disk.device, target: copy, format, secretId }, wish)
      if (end === 'done' && copy === result) return result
      if (end === 'done') {
        await this.#convert(copy, format, result, wanted, isCompressed, wish)
        await rm(copy)
        return result
      }
      await rm(copy, { force: true })
    }
    // Off, or gone off under the copy.
    if (disk.isEncrypted) await this.#reencrypt(disk, result, wish)
    else await this.#convert(disk.path, disk.format, result, wanted, isCompressed, wish, disk.isReadOnly)
    return result
  }

  /**
   * The secret that opens the target, which is made here: QEMU would first measure how slow its passphrase can be made to
   * guess. libvirt has the secret for as long as the guest is here.
   */
  async #lockedTarget(
    id: InstanceId,
    disk: RootDisk,
    target: string,
    { encryption }: SnapshotWish,
  ): Promise<string | undefined> {
    if (encryption === undefined) return undefined
    const { copy } = encryption
    await giveDiskSecret(this.#context.secrets, id, copy)
    const virtualBytes = await virtualBytesOf(disk.path, disk.format)
    await createQcow2(target, { virtualBytes, luksHeader: headerFor(copy) })
    return copy.secretId
  }

  async #reencrypt(disk: RootDisk, target: string, { encryption, signal }: SnapshotWish): Promise<void> {
    if (encryption === undefined) return
    const { path, format, isReadOnly: isShared } = disk
    const source = { path, format, passphrase: passphraseOf(encryption.disk), isShared }
    const virtualBytes = await virtualBytesOf(path, format)
    const limits = { cpuSeconds: convertCpuSeconds, ...(signal === undefined ? {} : { signal }) }
    const work = () => makeEncrypted(target, source, virtualBytes, encryption.copy, limits)
    const { exitCode, stderr } = await this.#context.storage.heavy.run(work)
    signal?.throwIfAborted()
    if (exitCode !== 0) throw HypervisorError({ operation: 'snapshot', reason: stderr })
  }

  async #copyLive(id: InstanceId, backup: Parameters<typeof beginBackup>[2], { quiesce = 'no', signal }: SnapshotWish) {
    signal?.throwIfAborted()
    const begin = () => beginBackup(this.#context, id, backup)
    await (quiesce === 'no' ? begin() : this.#freeze.during(id, quiesce, begin))
    try {
      return await whenBackupEnds(this.#context, id, signal)
    } catch (error) {
      if (signal?.aborted !== true) await this.#endCopy(id)
      throw error
    }
  }

  async #convert(
    source: string,
    from: DiskFormat,
    target: string,
    to: SnapshotFormat,
    isCompressed: boolean,
    { signal }: SnapshotWish,
    isShared = false,
  ): Promise<void> {
    const options = [...(isShared ? ['-U'] : []), ...(isCompressed ? ['-c'] : [])]
    const args = ['convert', ...options, '-f', from, '-O', to, source, target]
    const limits = { cpuSeconds: convertCpuSeconds, ...(signal === undefined ? {} : { signal }) }
    const { exitCode, stderr } = await this.#context.storage.heavy.run(() => qemuImg(args, limits))
    signal?.throwIfAborted()
    if (exitCode !== 0) throw HypervisorError({ operation: 'snapshot', reason: stderr })
  }
}

const hasEncryption = (disk: XmlNode): boolean =>
  nodeAt(disk, 'encryption') !== undefined || nodeAt(disk, 'source', 'encryption') !== undefined

/** What the disk and all that lies under it take: no copy is larger. */
async function allocatedBytes({ path, format }: RootDisk): Promise<number> {
  const { blocks } = await stat(path)
  const backing = format === 'raw' ? null : ((await qcow2HeaderOf(path))?.backingFile ?? null)
  const under = backing === null ? 0 : (await stat(resolve(dirname(path), backing))).blocks
  return (blocks + under) * 512
}

/**
 * The image service is told a format; this is the last look before. A raw disk on which the guest has put the header of
 * another format would be taken for that by whoever guesses, and by us when it comes back: better no image.
 */
async function mustBe(
  id: InstanceId,
  file: string,
  format: SnapshotFormat,
  { isEncrypted }: RootDisk,
  virtualBytes: number,
): Promise<void> {
  const found = await inspectImage(file, ['monolithicSparse'])
  const isRaw = format === 'raw' && (found.format === 'raw' || found.format === 'gpt' || found.format === 'iso')
  const isWhole = isRaw || format === 'raw' || found.virtualBytes >= virtualBytes
  if ((found.isEncrypted ?? false) !== isEncrypted) {
    const reason = `what was copied is ${isEncrypted ? 'not ' : ''}encrypted`
    throw HypervisorError({ operation: 'snapshot', reason }, { detail: id })
  }
  if ((isRaw || found.format === format) && found.refusal === undefined && isWhole) return
  const what = format === 'raw' ? `the guest's disk looks like a ${found.format}` : (found.refusal ?? found.format)
  throw HypervisorError(
    { operation: 'snapshot', reason: `what was copied is no usable ${format}: ${what}` },
    { detail: id },
  )
}

async function* bitsOf(file: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(file, { highWaterMark: MiB })) yield chunk as Buffer
}
