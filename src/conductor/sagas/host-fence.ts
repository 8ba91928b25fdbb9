import { declareFault, isoSeconds } from '#base'
import type { HostFence } from '#bus'
import { saga } from '#saga'
import { type Store, turnOf } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { reason } from '../instance-ha/fence.ts'
import { fenceHost, type Proof } from '../instance-ha/proof.ts'
import { noticesOf } from '../notices.ts'

export const HostHeardAgain = declareFault(
  'HostHeardAgain',
  'conflict',
  (p: { host: string }) => `Host ${p.host} was heard of while it was fenced; nothing is certain of its guests.`,
)

const binary = 'nova-compute'

/** Forces the host down, unless it was heard of; another run of this may have done it already. */
async function forceDown(d: ConductorDeps, { host, heard }: HostFence, { how }: Proof): Promise<null> {
  const notices = noticesOf(d)
  const atMs = d.clock.now()
  await d.store.transaction(async tx => {
    await tx.turn(turnOf.fence(host))
    const before = await tx.services.find(host, binary)
    if (before?.fence?.heard === heard) return
    const text = reason(`fenced by ${how} at ${isoSeconds(atMs)}`)
    if (before === undefined || !(await tx.services.fence(before, { how, heard, atMs }, text, atMs)))
      throw HostHeardAgain({ host })
    await notices.tell(tx, 'service.update', { service: await tx.services.get(before.uuid) })
  })
  d.log.warn({ host, how }, 'a lost host is fenced; its servers are evacuated')
  return null
}

/**
 * A host is lost: makes it certain that none of its guests runs, and forces it down. Its servers are evacuated afterwards,
 * each by its own saga (`instance-ha/watch.ts`). What was switched off stays off: nothing of this can be taken back.
 */
export const hostFence = saga<ConductorDeps, HostFence, Store>('host-fence')
  .step('proof', async (s, d, c) => {
    try {
      return await fenceHost(d, s.input, c.signal)
    } catch (error) {
      if (!c.signal.aborted)
        d.log.error({ host: s.input.host, err: error }, 'a lost host could not be fenced; nothing of it is evacuated')
      throw error
    }
  })
  .pivot('down', (s, d) => forceDown(d, s.input, s.proof))
  .settled(async (s, outcome, tx, { nowMs }) => {
    if (outcome.status === 'done') return
    const service = await tx.services.find(s.input.host, binary)
    if (service === undefined || service.fence !== null || service.reportCount !== s.input.heard) return
    await tx.services.note(service, reason(`not fenced, nothing is evacuated: ${outcome.failure.message}`), nowMs)
  })
