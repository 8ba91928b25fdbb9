import { type InstanceId, pause } from '#base'
import { HypervisorError } from '../../faults.ts'
import { element, encryptionElement, renderXml } from '../domain/index.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import type { DiskFormat } from '../images/disk-info.ts'
import { domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { nodesAt, parseXml } from '../xml-tree.ts'

/*
 * A copy of one disk of a guest that has a process, by QEMU's backup job: what it copies is the disk at the moment of
 * `begin`, because blocks are saved before the guest writes over them. The job goes on without us and ends by itself.
 */

/** virDomainGetJobStatsFlags: of the job that has ended, which stays to be asked again. */
const ofEnded = 1 | 2
/** virDomainJobType */
const jobType = { none: 0, bounded: 1, unbounded: 2, completed: 3 } as const
/** virDomainJobOperation */
const backupOperation = 9
const beginsWithinMs = 60_000
const lookAgainMs = 20
/** Events may be lost with a connection; nothing depends on how often this is. */
const lookMs = 5000

export interface DiskBackup {
  /** As libvirt names the disk: `vda`. */
  readonly device: string
  /** Made by the job; nothing may be there. */
  readonly target: string
  readonly format: DiskFormat
  /** The secret of the hypervisor that opens the target, which then is there: an empty disk, as large and encrypted. */
  readonly secretId?: string | undefined
}

/** Of virDomainBackupBeginFlags: the target is there. */
const reusesTarget = 1

export const beginBackup = (
  { client }: GuestContext,
  id: InstanceId,
  { device, target, format, secretId }: DiskBackup,
): Promise<void> => {
  const disk = element(
    'disk',
    { name: device, backup: 'yes', type: 'file' },
    element('driver', { type: format }),
    element('target', { file: target }, secretId === undefined ? undefined : encryptionElement(secretId)),
  )
  const xml = renderXml(element('domainbackup', { mode: 'push' }, element('disks', {}, disk)))
  const flags = secretId === undefined ? 0 : reusesTarget
  return client.call(procedures.beginBackup, { domain: domainById(id), xml, flags }, 'long')
}

/**
 * The files that a backup of this guest fills now; none when there is no backup. One that another process has just asked for,
 * and libvirt still begins, is waited for: its files are there before libvirt tells of them.
 */
export async function backupTargets(context: GuestContext, id: InstanceId): Promise<readonly string[]> {
  const { client, clock } = context
  const end = clock.now() + beginsWithinMs
  for (;;) {
    try {
      const document = parseXml(await client.call(procedures.backupXml, domainById(id), 'long'))
      return nodesAt(document, 'disks', 'disk', 'target').map(target => target.attributes.file ?? '')
    } catch (error) {
      if (!isLibvirtError(error)) throw error
    }
    if (clock.now() >= end || !(await isBackingUp(context, id))) return []
    await pause(lookAgainMs, clock)
  }
}

async function isBackingUp({ client }: GuestContext, id: InstanceId): Promise<boolean> {
  try {
    const { type, params } = await client.call(procedures.jobStats, { domain: domainById(id), flags: 0 }, 'long')
    return type !== jobType.none && params.get('operation') === backupOperation
  } catch (error) {
    if (isLibvirtError(error)) return false
    throw error
  }
}

export async function abortBackup(context: GuestContext, id: InstanceId): Promise<void> {
  try {
    await context.client.call(procedures.abortJob, domainById(id), 'long')
  } catch (error) {
    // It has ended, or the guest has.
    if (!isLibvirtError(error)) throw error
  }
  await whenBackupEnds(context, id)
}

/** `done`: the copy is whole. `lost`: the guest went off under it. Anything else throws. */
export type BackupEnd = 'done' | 'lost'

/** When the signal aborts, so does the job. A destroy of the guest ends the wait. */
export async function whenBackupEnds(context: GuestContext, id: InstanceId, signal?: AbortSignal): Promise<BackupEnd> {
  const { client, clock } = context
  const waitEnds = Promise.withResolvers<BackupEnd>()
  let cancelTimer = () => {}
  const look = () => {
    cancelTimer()
    cancelTimer = clock.after(lookMs, look)
    endOf(context, id).then(end => end !== undefined && waitEnds.resolve(end), waitEnds.reject)
  }
  const unsubscribe = client.onEvent(event => {
    if (event.kind === 'reconnected' || event.domain.uuid === id) look()
  })
  const abort = () => void abortBackup(context, id).then(() => waitEnds.reject(signal?.reason), waitEnds.reject)
  signal?.addEventListener('abort', abort)
  try {
    look()
    if (signal?.aborted === true) abort()
    return await waitEnds.promise
  } finally {
    signal?.removeEventListener('abort', abort)
    unsubscribe()
    cancelTimer()
  }
}

/** Undefined while it runs. */
async function endOf({ client }: GuestContext, id: InstanceId): Promise<BackupEnd | undefined> {
  const domain = domainById(id)
  try {
    const now = await client.call(procedures.jobStats, { domain, flags: 0 }, 'long')
    if (now.type !== jobType.none) return undefined
    const ended = await client.call(procedures.jobStats, { domain, flags: ofEnded }, 'long')
    if (ended.type === jobType.completed) return 'done'
    if (ended.type === jobType.none) return 'lost'
    const reason = String(ended.params.get('errmsg') ?? 'the copy was cancelled')
    throw HypervisorError({ operation: 'copy of the disk', reason })
  } catch (error) {
    if (isLibvirtError(error, errorCode.operationInvalid, errorCode.noDomain)) return 'lost'
    throw error
  }
}
