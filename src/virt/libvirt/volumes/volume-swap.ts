import { stat, truncate } from 'node:fs/promises'
import { GiB, type InstanceId } from '#base'
import { HypervisorError } from '../../faults.ts'
import type { GuestDisk } from '../../guest-spec.ts'
import { whenBlockJob } from '../disks/block-job.ts'
import { defineDisk, placeOf } from '../disks/swap-place.ts'
import { element, renderXml, volumeElement, type XmlElement } from '../domain/index.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { blockJobType, blockProcedures, domainById, errorCode, isLibvirtError } from '../rpc/index.ts'
import { nodeAt, textAt, type XmlNode } from '../xml-tree.ts'
import { AttachedDisks, type AttachedVolume } from './attached-disks.ts'
import { VolumeRebaseFailed } from './volume-faults.ts'
import { swapOff } from './volume-swap-off.ts'

/** virDomainBlockCopyFlags: into a volume that is there already, by a job that ends with the guest. */
const copyFlags = 2 | 4
/** virDomainBlockJobAbortFlags */
const pivot = 2

/*
 * Theory of operation. What the running disk reads from tells how far a swap has come, whoever began it: the old volume with
 * or without a copy to the new one under way, or the new one. The definition follows last, so that until then the swap
 * is found to be unfinished.
 */
export async function swapVolume(
  context: GuestContext,
  id: InstanceId,
  oldVolumeId: string,
  disk: GuestDisk,
): Promise<void> {
  const { client, connections, host } = context
  const { volume } = disk
  if (volume === null) throw HypervisorError({ operation: 'swap volume', reason: 'the new volume is not connected' })
  const guest = await AttachedDisks.read(client, id)
  const found = guest.find(volume.id) ?? guest.find(oldVolumeId)
  if (found === undefined)
    throw HypervisorError({ operation: 'swap volume', reason: `volume ${oldVolumeId} is not attached` })
  if (found.live === undefined) return swapOff(context, id, found, disk, oldVolumeId)
  if (isEncrypted(found.live) || volume.encryption !== undefined)
    throw VolumeRebaseFailed({ reason: 'encrypted volumes cannot be swapped' })
  const prepared = await connections.prepareDisk(id, disk)
  const fresh = volumeElement(prepared, placeOf(found.target, found.live), host)
  if (readsFrom(found.live, fresh)) {
    await endLeftJob(context, id, found.target)
    await grow(context, id, found.target, disk.size * GiB)
  } else {
    try {
      await copy(context, id, found, fresh, disk)
    } catch (error) {
      await connections.unused(id, prepared)
      throw error
    }
    await pivotTo(context, id, found.target, fresh, disk.size * GiB)
  }
  await defineDisk(context, id, fresh)
  if (volume.id !== oldVolumeId) await connections.release(id, oldVolumeId)
}

const isEncrypted = (live: XmlNode): boolean =>
  nodeAt(live, 'encryption') !== undefined || nodeAt(live, 'source', 'encryption') !== undefined

interface SourceLike {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (SourceLike | string)[]
}

const isNamed =
  (name: string) =>
  (child: SourceLike | string): child is SourceLike =>
    typeof child !== 'string' && child.name === name

/** What tells one source from another, in a document of ours as in libvirt's. */
function sourceKey(disk: SourceLike): string {
  const source = disk.children.find(isNamed('source'))
  if (source === undefined) return ''
  const { file, dev, protocol, name } = source.attributes
  const hosts = source.children.filter(isNamed('host')).map(({ attributes: a }) => [a['name'], a['port'], a['socket']])
  return JSON.stringify([file ?? dev ?? [protocol, name, hosts]])
}

const readsFrom = (live: XmlNode, fresh: XmlElement): boolean => sourceKey(live) === sourceKey(fresh)

const mirrorOf = (live: XmlNode | undefined): XmlNode | undefined =>
  live === undefined ? undefined : nodeAt(live, 'mirror')

async function abort({ client }: GuestContext, id: InstanceId, target: string, flags = 0): Promise<void> {
  try {
    await client.call(blockProcedures.jobAbort, { domain: domainById(id), disk: target, flags }, 'long')
  } catch (error) {
    // There is none any more.
    if (flags === pivot || !isLibvirtError(error, errorCode.operationInvalid, errorCode.invalidArgument)) throw error
  }
}

/** A copy that somebody began and did not finish. */
async function endLeftJob(context: GuestContext, id: InstanceId, target: string): Promise<void> {
  const job = await context.client.call(blockProcedures.jobInfo, { domain: domainById(id), disk: target }, 'long')
  if (job?.type === blockJobType.copy) await abort(context, id, target)
}

/** Both are alike, and stay so, when this ends. */
async function copy(
  context: GuestContext,
  id: InstanceId,
  { target, live: old }: AttachedVolume,
  fresh: XmlElement,
  disk: GuestDisk,
): Promise<void> {
  const { client } = context
  const live = async () => (await AttachedDisks.read(client, id)).at(target)
  const underway = mirrorOf(await live())
  const isOurs = underway !== undefined && sourceKey(underway) === sourceKey(fresh)
  if (!isOurs) {
    await endLeftJob(context, id, target)
    const { capacity } = await client.call(blockProcedures.info, { domain: domainById(id), disk: target }, 'long')
    const fitting = await fitted(fresh, disk, capacity, old)
    const request = { domain: domainById(id), disk: target, xml: renderXml(fitting), flags: copyFlags }
    await client.call(blockProcedures.copy, request, 'long')
  }
  const isAlike = await whenBlockJob(context, id, async () => {
    const now = await live()
    // The request of a process before us to change over may still have been on its way.
    if (now !== undefined && readsFrom(now, fresh)) return true
    const mirror = mirrorOf(now)
    if (mirror === undefined) return false
    return mirror.attributes['ready'] === 'yes' ? true : undefined
  })
  if (!isAlike) throw VolumeRebaseFailed({ reason: 'the copy has ended before the volumes were alike' })
}

/**
 * QEMU copies only to what is exactly as large. A larger file is cut and grows again with the guest's disk; of anything
 * else the guest gets a part until its next start.
 */
async function fitted(
  fresh: XmlElement,
  disk: GuestDisk,
  capacity: number,
  old: XmlNode | undefined,
): Promise<XmlElement> {
  const path = fresh.children.find(isNamed('source'))?.attributes['file']
  const size = path === undefined ? disk.size * GiB : (await stat(path)).size
  // A swap that is taken back: the guest has had this volume before it had a larger one.
  const isReturning = old !== undefined && textAt(old, 'serial') === disk.volume?.id
  if (size < capacity && !(isReturning && path !== undefined))
    throw VolumeRebaseFailed({ reason: `${size} bytes cannot hold the ${capacity} of the old volume` })
  if (path !== undefined && size !== capacity) await truncate(path, capacity)
  return path === undefined && size > capacity ? partOf(fresh, capacity) : fresh
}

const partOf = (fresh: XmlElement, bytes: number): XmlElement => ({
  ...fresh,
  children: fresh.children.map(child =>
    typeof child === 'string' || child.name !== 'source'
      ? child
      : element('source', child.attributes, [
          ...child.children,
          element('slices', {}, element('slice', { type: 'storage', offset: 0, size: bytes })),
        ]),
  ),
})

/** The guest goes on with the new volume, and sees its size. */
async function pivotTo(
  context: GuestContext,
  id: InstanceId,
  target: string,
  fresh: XmlElement,
  bytes: number,
): Promise<void> {
  const isThere = async () => {
    const live = (await AttachedDisks.read(context.client, id)).at(target)
    return live !== undefined && readsFrom(live, fresh)
  }
  try {
    if (!(await isThere())) await abort(context, id, target, pivot)
  } catch (error) {
    if (!isLibvirtError(error) || !(await isThere())) throw error
  }
  await grow(context, id, target, bytes)
}

/** A part of a volume cannot grow: there the guest sees the rest when it starts again. */
async function grow({ client, log }: GuestContext, id: InstanceId, target: string, bytes: number): Promise<void> {
  const disk = { domain: domainById(id), disk: target }
  const { capacity } = await client.call(blockProcedures.info, disk, 'long')
  if (bytes <= capacity) return
  try {
    await client.call(blockProcedures.resize, { ...disk, bytes }, 'long')
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    log.warn(
      { instance_id: id, disk: target, err: error },
      'the guest sees the whole of its new volume at its next start',
    )
  }
}
