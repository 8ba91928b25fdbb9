import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstanceId } from '#base'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainState, isLeavingPostCopy, isTorn } from '../guest/power.ts'
import { domainById, procedures } from '../rpc/index.ts'

/*
 * A copy may be made to end by holding the guest still. If it fails all the same the guest must go on, also when the
 * process that held it is gone: hence a note in the guest's folder. It names the host, for the folder may be shared, and
 * the guest that goes on elsewhere is none that is held there.
 */

const noteOf = ({ files }: GuestContext, id: InstanceId): string => join(files.folderOf(id), 'held-for-migration')

export async function holdStill(context: GuestContext, id: InstanceId): Promise<void> {
  const status = await statusOf(context.client, id)
  if (status?.state === domainState.paused) return
  await writeFile(noteOf(context, id), context.hostName, { mode: 0o600 })
  await context.client.call(procedures.suspend, domainById(id), 'long')
}

/** For a guest that stays. One whose newest memory is elsewhere does not go on. */
export async function letGo(context: GuestContext, id: InstanceId): Promise<void> {
  if ((await holderOf(context, id)) !== context.hostName) return
  const status = await statusOf(context.client, id)
  const isHeld = status?.state === domainState.paused && !isLeavingPostCopy(status) && !isTorn(status)
  if (isHeld) await context.client.call(procedures.resume, domainById(id), 'long')
  await rm(noteOf(context, id), { force: true })
}

/** For a guest that has gone. */
export async function forgetHold(context: GuestContext, id: InstanceId): Promise<void> {
  if ((await holderOf(context, id)) === context.hostName) await rm(noteOf(context, id), { force: true })
}

async function holderOf(context: GuestContext, id: InstanceId): Promise<string | undefined> {
  try {
    return await readFile(noteOf(context, id), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
