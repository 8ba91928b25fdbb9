import type { SagaInputs } from '#bus'
import { InstanceNotReady } from '#model'
import { type Outcome, saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { closeShare, openShare } from '../shares.ts'

type Input = SagaInputs['share-attach']

const attachEvent = 'compute_allow_share'
const detachEvent = 'compute_deny_share'

/** A share that could not be given or taken is in error: its owner sees which, and may detach it. */
async function ended(input: Input, event: string, outcome: Outcome, tx: Store, nowMs: number): Promise<void> {
  const failure = outcome.status === 'undone' ? outcome.failure : undefined
  await finishEvent(tx, nowMs, input, event, failure)
  if (failure === undefined) return
  await tx.serverShares.change(input.mappingId, { status: 'error' }, nowMs)
  const instance = await tx.instances.find(input.instanceId)
  if (instance !== undefined) await recordFault(tx, nowMs, input, failure, instance.host)
}

/** One that was accepted by the release before does not know its share. */
const ofShare = ({ input: { shareId } }: { readonly input: Input }) => (shareId === undefined ? undefined : { shareId })

/** Opens a share to the host of a server that is off; the guest gets it at its next start. */
export const shareAttach = saga<ConductorDeps, Input, Store>('share-attach')
  .step(
    'access',
    async (s, d) => {
      const { id, host } = await d.store.instances.get(s.input.instanceId)
      await startEvent(d.store, d.clock.now(), s.input, attachEvent, host)
      if (host === null) throw InstanceNotReady({ id })
      const share = await d.store.serverShares.find(s.input.mappingId)
      if (share !== undefined) await openShare(d, share, host)
    },
    async (s, d) => {
      const share = await d.store.serverShares.find(s.input.mappingId)
      if (share !== undefined) await closeShare(d, share)
    },
  )
  .pivot('inactive', async (s, d) => {
    await d.store.serverShares.change(s.input.mappingId, { status: 'inactive' }, d.clock.now(), ['attaching'])
  })
  .settled((s, outcome, tx, { nowMs }) => ended(s.input, attachEvent, outcome, tx, nowMs))
  .telling({
    'before access': say('instance.share_attach.start', ofShare),
    undone: say('instance.share_attach.error', ofShare, 'before access'),
    done: say('instance.share_attach.end', ofShare),
  })

/** Takes it away again. The guest is off, or has failed: nothing of the share is in use. */
export const shareDetach = saga<ConductorDeps, Input, Store>('share-detach')
  .pivot('access', async (s, d) => {
    const { host } = await d.store.instances.get(s.input.instanceId)
    await startEvent(d.store, d.clock.now(), s.input, detachEvent, host)
    const share = await d.store.serverShares.find(s.input.mappingId)
    if (share !== undefined) await closeShare(d, share)
  })
  .settled(async (s, outcome, tx, { nowMs }) => {
    if (outcome.status === 'done') await tx.serverShares.remove(s.input.mappingId)
    await ended(s.input, detachEvent, outcome, tx, nowMs)
  })
  .telling({
    'before access': say('instance.share_detach.start', ofShare),
    undone: say('instance.share_detach.error', ofShare, 'before access'),
    done: say('instance.share_detach.end', ofShare),
  })
