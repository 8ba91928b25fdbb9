import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstanceId } from '#base'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { domainState } from '../guest/power.ts'
import { domainById, procedures } from '../rpc/index.ts'

/*
 * A copy may be made to end by holding the guest still. If it fails all the same the guest must go on, also when the
 * process that held it is gone: hence a note in the guest's folder.
 */

const noteOf = ({ files }: GuestContext, id: InstanceId): string => join(files.folderOf(id), 'held-for-migration')

export async function holdStill(context: GuestContext, id: InstanceId): Promise<void> {
  const status = await statusOf(context.client, id)
  if (status?.state === domainState.paused) return
  await writeFile(noteOf(context, id), '', { mode: 0o600 })
  await context.client.call(procedures.suspend, domainById(id), 'long')
}

/** For a guest that stays. */
export async function letGo(context: GuestContext, id: InstanceId): Promise<void> {
  if (!(await exists(noteOf(context, id)))) return
  const status = await statusOf(context.client, id)
  if (status?.state === domainState.paused) await context.client.call(procedures.resume, domainById(id), 'long')
  await rm(noteOf(context, id), { force: true })
}
