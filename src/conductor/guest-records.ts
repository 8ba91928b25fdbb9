import { instanceId } from '#base'
import type { GuestReport } from '#bus'
import { withGuestRecord } from '#model'
import { turnOf } from '#store'
import type { ConductorDeps } from './deps.ts'

/** Keeps what a host tells of a guest of its own; of a guest that lives elsewhere by now it has nothing to tell. */
export const keepGuestRecord = (
  d: Pick<ConductorDeps, 'store' | 'clock'>,
  { host, id, record }: GuestReport,
): Promise<void> =>
  d.store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    const instance = await tx.instances.find(id)
    if (instance === undefined || instance.host !== host) return
    const systemMetadata = withGuestRecord(instance.systemMetadata, record)
    if (systemMetadata === instance.systemMetadata) return
    await tx.instances.change(instanceId(id), { systemMetadata }, d.clock.now())
  })
