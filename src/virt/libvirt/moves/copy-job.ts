import type { InstanceId } from '#base'
import type { CopyProgress } from '#model'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainById, errorCode, isLibvirtError, procedures, type TypedParams } from '../rpc/index.ts'

/** virDomainJobOperation */
const migrationOut = 5
const noJob = 0

export interface CopyJob {
  readonly progress: CopyProgress
  readonly isMigration: boolean
  readonly elapsedMs: number
}

const progressOf = (params: TypedParams): CopyProgress => {
  const count = (name: string) => Number(params.get(name) ?? 0)
  return {
    memoryTotal: count('memory_total'),
    memoryProcessed: count('memory_processed'),
    memoryRemaining: count('memory_remaining'),
    diskTotal: count('disk_total'),
    diskProcessed: count('disk_processed'),
    diskRemaining: count('disk_remaining'),
  }
}

/** What the daemon is doing with the guest; undefined: nothing, or there is no such guest. */
export async function jobOf({ client }: GuestContext, id: InstanceId): Promise<CopyJob | undefined> {
  try {
    const { type, params } = await client.call(procedures.jobStats, { domain: domainById(id), flags: 0 })
    if (type === noJob) return undefined
    return {
      progress: progressOf(params),
      isMigration: params.get('operation') === migrationOut,
      elapsedMs: Number(params.get('time_elapsed') ?? 0),
    }
  } catch (error) {
    if (isLibvirtError(error, errorCode.noDomain, errorCode.operationInvalid)) return undefined
    throw error
  }
}

/** Asks the copy to stop; it may have ended meanwhile. */
export async function abortCopy({ client }: GuestContext, id: InstanceId): Promise<void> {
  try {
    await client.call(procedures.abortJob, domainById(id), 'long')
  } catch (error) {
    // Too late: it is over, or nothing can stop it any more. How it ends will show.
    if (!isLibvirtError(error)) throw error
  }
}
