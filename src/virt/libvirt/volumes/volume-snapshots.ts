import { basename, dirname, join } from 'node:path'
import type { InstanceId } from '#base'
import type { VolumeSnapshots } from '../../driver.ts'
import { HypervisorError } from '../../faults.ts'
import { whenBlockJob } from '../disks/block-job.ts'
import { createQcow2 } from '../disks/new-qcow2.ts'
import { element, renderXml } from '../domain/index.ts'
import { changeGuest } from '../guest/guest-change.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { qcow2HeaderOf } from '../images/qcow2-header.ts'
import { qemuImg } from '../images/qemu-img.ts'
import { blockProcedures, domainById, errorCode, isLibvirtError } from '../rpc/index.ts'
import { nodeAt, nodesAt, type XmlNode } from '../xml-tree.ts'
import { AttachedDisks, type AttachedVolume } from './attached-disks.ts'

/** virDomainSnapshotCreateFlags: nothing is remembered of it; disks only; into the file that is there. */
const snapshotFlags = 4 | 16 | 32
/** The guest's agent holds the file systems still meanwhile. */
const quiesce = 64
/** virDomainBlockRebaseFlags, virDomainBlockCommitFlags: files name each other as they did. */
const relative = { rebase: 16, commit: 8 } as const
const rebaseCpuSeconds = 3600

const failure = (operation: string, reason: string) => HypervisorError({ operation, reason })

/** The files that a disk is read from, the newest first, as its process has them open. */
function chainOf(disk: XmlNode): readonly string[] {
  const file = nodeAt(disk, 'source')?.attributes['file']
  const under = nodeAt(disk, 'backingStore')
  return [...(file === undefined ? [] : [file]), ...(under === undefined ? [] : chainOf(under))]
}

const fileOf = (disk: XmlNode): string => nodeAt(disk, 'source')?.attributes['file'] ?? ''
const formatOf = (disk: XmlNode): 'qcow2' | 'raw' =>
  nodeAt(disk, 'driver')?.attributes['type'] === 'qcow2' ? 'qcow2' : 'raw'

/** An agent that is connected; and whether the image insists on it. */
function quiescing(domain: XmlNode): { readonly isPossible: boolean; readonly isNeeded: boolean } {
  const isAgent = ({ attributes: a }: XmlNode) => a['name'] === 'org.qemu.guest_agent.0' && a['state'] === 'connected'
  const properties = nodesAt(domain, 'metadata', 'nova:instance', 'nova:image', 'nova:properties', 'nova:property')
  const wish = properties.find(property => property.attributes['name'] === 'os_require_quiesce')?.text ?? ''
  const isNeeded = /^(1|t|true|on|y|yes)$/i.test(wish.trim())
  return { isPossible: nodesAt(domain, 'devices', 'channel', 'target').some(isAgent), isNeeded }
}

/*
 * Theory of operation. A snapshot is a file over the one that the disk was written to; what has been done shows in the chain
 * of files, so each method looks there first. A merge is a job of QEMU, which goes on without us: whoever asks again
 * finds it and waits for it.
 */
export class LibvirtVolumeSnapshots implements VolumeSnapshots {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  create(
    id: InstanceId,
    volumeId: string,
    { newFile }: { readonly id: string; readonly newFile: string },
  ): Promise<void> {
    return changeGuest(this.#context, 'snapshot volume', id, async () => {
      const { guest, found, disk } = await this.#disk(id, volumeId, 'snapshot volume')
      // The name comes from the volume service, and stays in the volume's folder.
      if (basename(newFile) !== newFile) throw failure('snapshot volume', `${newFile} is no name of a file`)
      const [path, current] = [join(dirname(fileOf(disk)), newFile), fileOf(disk)]
      if (current === path || (await this.#filesOf(disk)).includes(path)) return
      if (!(await exists(path))) await this.#makeFile(id, found, path)
      const xml = snapshotXml(guest, found.target, path)
      const { isPossible, isNeeded } = quiescing(guest.live ?? guest.config)
      if (guest.live !== undefined && isNeeded && !isPossible)
        throw failure('snapshot volume', 'the image wants its guests held still, and this one has no agent')
      if (guest.live !== undefined && isPossible && (await this.#quiesced(id, xml, isNeeded))) return
      await this.#snapshot(id, xml, snapshotFlags)
    })
  }

  remove(
    id: InstanceId,
    volumeId: string,
    merge: { readonly id: string; readonly fileToMerge: string | null; readonly mergeTarget: string | null },
  ): Promise<void> {
    return changeGuest(this.#context, 'merge snapshot of volume', id, async () => {
      const { found, disk } = await this.#disk(id, volumeId, 'merge snapshot of volume')
      const inFolder = (name: string | null) =>
        name === null ? undefined : join(dirname(fileOf(disk)), basename(name))
      const [file, target] = [inFolder(merge.fileToMerge), inFolder(merge.mergeTarget)]
      if (target !== undefined) await this.#commit(id, found, file, target)
      else if (found.live === undefined) await this.#rebaseOff(disk, file)
      else await this.#pull(id, found, file)
    })
  }

  async #disk(id: InstanceId, volumeId: string, operation: string) {
    const guest = await AttachedDisks.read(this.#context.client, id)
    const found = guest.find(volumeId)
    const disk = found?.live ?? found?.config
    if (found === undefined || disk === undefined) throw failure(operation, `volume ${volumeId} is not attached`)
    if (fileOf(disk) === '') throw failure(operation, `volume ${volumeId} is no file`)
    return { guest, found, disk }
  }

  /** Also of a guest that is off, whose definition names the newest only. */
  async #filesOf(disk: XmlNode): Promise<readonly string[]> {
    const open = chainOf(disk)
    if (open.length > 1 || formatOf(disk) === 'raw') return open
    const files = [fileOf(disk)]
    for (let file: string | undefined = files[0]; file !== undefined; ) {
      const backing: string | null = (await qcow2HeaderOf(file))?.backingFile ?? null
      file = backing === null ? undefined : join(dirname(file), basename(backing))
      if (file !== undefined) files.push(file)
    }
    return files
  }

  /** For a volume service that has not made the file itself. */
  async #makeFile(id: InstanceId, { target, live, config }: AttachedVolume, path: string): Promise<void> {
    const disk = live ?? config
    if (disk === undefined) return
    const request = { domain: domainById(id), disk: target }
    const { capacity } = await this.#context.client.call(blockProcedures.info, request, 'long')
    const backing = { file: basename(fileOf(disk)), format: formatOf(disk) }
    await createQcow2(path, { virtualBytes: capacity, backing })
  }

  /** False when it could not be held still, and need not be. */
  async #quiesced(id: InstanceId, xml: string, isNeeded: boolean): Promise<boolean> {
    try {
      await this.#snapshot(id, xml, snapshotFlags | quiesce)
      return true
    } catch (error) {
      if (isNeeded || !isLibvirtError(error)) throw error
      this.#context.log.warn(
        { instance_id: id, err: error },
        'a snapshot of a volume is taken without its guest held still',
      )
      return false
    }
  }

  async #snapshot(id: InstanceId, xml: string, flags: number): Promise<void> {
    await this.#context.client.call(blockProcedures.snapshot, { domain: domainById(id), xml, flags }, 'long')
  }

  /** Everything between the newest file and `base` goes into the newest; without a base all of it. */
  async #pull(id: InstanceId, { target }: AttachedVolume, base: string | undefined): Promise<void> {
    const isDone = (files: readonly string[]) => (base === undefined ? files.length === 1 : files.indexOf(base) <= 1)
    const request = { domain: domainById(id), disk: target, base }
    await this.#job(id, target, 'merge snapshot of volume', isDone, flags =>
      this.#context.client.call(
        blockProcedures.rebase,
        { ...request, flags: base === undefined ? 0 : flags * relative.rebase },
        'long',
      ),
    )
  }

  /** `top` and all above `base` goes down into `base`. */
  async #commit(
    id: InstanceId,
    { target, live }: AttachedVolume,
    top: string | undefined,
    base: string,
  ): Promise<void> {
    if (live === undefined) throw failure('merge snapshot of volume', 'the guest is off')
    if (top === undefined) throw failure('merge snapshot of volume', 'nothing to merge was named')
    const isDone = (files: readonly string[]) => !files.includes(top)
    const request = { domain: domainById(id), disk: target, base, top }
    await this.#job(id, target, 'merge snapshot of volume', isDone, flags =>
      this.#context.client.call(blockProcedures.commit, { ...request, flags: flags * relative.commit }, 'long'),
    )
  }

  /** Starts the job unless it runs or is done, and waits for what it does; `begin` is called with 1 for relative names. */
  async #job(
    id: InstanceId,
    target: string,
    operation: string,
    isDone: (files: readonly string[]) => boolean,
    begin: (flags: 0 | 1) => Promise<void>,
  ): Promise<void> {
    const { client } = this.#context
    const files = async () => {
      const disk = (await AttachedDisks.read(client, id)).at(target)
      if (disk === undefined) throw failure(operation, 'the guest has lost the disk, or is off')
      return chainOf(disk)
    }
    const job = () => client.call(blockProcedures.jobInfo, { domain: domainById(id), disk: target }, 'long')
    if ((await job()) === undefined) {
      if (isDone(await files())) return
      try {
        await begin(1)
      } catch (error) {
        // The files name each other absolutely.
        if (!isLibvirtError(error, errorCode.invalidArgument, errorCode.operationInvalid)) throw error
        await begin(0)
      }
    }
    await whenBlockJob(this.#context, id, async () => ((await job()) === undefined ? true : undefined))
    if (!isDone(await files())) throw failure(operation, 'the job has ended without an outcome')
  }

  async #rebaseOff(disk: XmlNode, base: string | undefined): Promise<void> {
    const files = await this.#filesOf(disk)
    if (base === undefined ? files.length === 1 : files.indexOf(base) <= 1) return
    const format = base === undefined || (await qcow2HeaderOf(base)) !== undefined ? 'qcow2' : 'raw'
    const under = base === undefined ? ['-b', ''] : ['-b', basename(base), '-F', format]
    const result = await qemuImg(['rebase', '-f', 'qcow2', ...under, fileOf(disk)], { cpuSeconds: rebaseCpuSeconds })
    if (result.exitCode !== 0) throw failure('qemu-img rebase', result.stderr)
  }
}

/** One disk goes on in a new file, all others stay out of it. */
function snapshotXml(guest: AttachedDisks, target: string, path: string): string {
  const others = [...guest.targets].filter(name => name !== target)
  const snapshot = element(
    'domainsnapshot',
    {},
    element(
      'disks',
      {},
      element(
        'disk',
        { name: target, snapshot: 'external', type: 'file' },
        element('driver', { type: 'qcow2' }),
        element('source', { file: path }),
      ),
      others.map(name => element('disk', { name, snapshot: 'no' })),
    ),
  )
  return renderXml(snapshot)
}
