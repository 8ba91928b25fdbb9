import type { InstanceId } from '#base'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { isLeavingPostCopy } from '../guest/power.ts'
import { domainById, isLibvirtError, procedures } from '../rpc/index.ts'
import { holdStill } from './held-guest.ts'

/** Makes a copy come to its end: the guest goes on at the target at once, or where that may not be is held still. */
export async function forceEnd(context: GuestContext, id: InstanceId): Promise<void> {
  const { client, migration, log } = context
  const status = await statusOf(client, id)
  if (status !== undefined && isLeavingPostCopy(status)) return
  if (migration.permitsPostCopy) {
    try {
      return await client.call(procedures.startPostCopy, { domain: domainById(id), flags: 0 }, 'long')
    } catch (error) {
      if (!isLibvirtError(error)) throw error
      log.info({ instance_id: id, err: error }, 'no post-copy; the guest is held still instead')
    }
  }
  await holdStill(context, id)
}
