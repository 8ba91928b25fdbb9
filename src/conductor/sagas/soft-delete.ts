import { instanceId } from '#base'
import type { ServerTask } from '#bus'
import { saga } from '#saga'
import type { Store } from '#store'
import { GuestNotFound, type PowerState, power } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp, unlessAborted } from '../hosts.ts'
import { removeImage } from '../images.ts'
import { changeOwned, endMoves } from '../moves.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { startSpecOf } from '../shares.ts'
import { shelvedImageOf, withoutShelvedKeys } from '../shelving.ts'
import { powerSaga } from './power.ts'

const event = 'compute_soft_delete_instance'

/**
 * Puts a server away so that it can come back: its guest is off, everything it has stays. Without a living host the record
 * alone says so, as there is no guest to be heard of. A resize that nobody has confirmed is confirmed with it.
 */
export const serverSoftDelete = saga<ConductorDeps, ServerTask, Store>('server-soft-delete')
  .step('before', async (s, d) => {
    const { vmState, powerState, terminatedAtMs } = await d.store.instances.get(s.input.instanceId)
    return { vmState, powerState, terminatedAtMs }
  })
  .step('guest', async (s, d, c): Promise<{ power: PowerState; isLocal: boolean; host: string | null }> => {
    const { id, host, powerState } = await d.store.instances.get(s.input.instanceId)
    await startEvent(d.store, d.clock.now(), s.input, event, host)
    if (host === null || !(await isHostUp(d, host))) return { power: powerState, isLocal: true, host }
    try {
      const state = await unlessAborted(c.signal, hostClient(d, host).stop({ id, gracefulMs: 0 }, { key: c.key }))
      return { power: state.power, isLocal: false, host }
    } catch (error) {
      if (!GuestNotFound.is(error)) throw error
      return { power: power.noState, isLocal: false, host }
    }
  })
  .pivot(
    'away',
    async (s, d, c) => {
      const end = s.guest.isLocal ? { terminatedAtMs: d.clock.now() } : {}
      await changeOwned(d, s.input, c, { vmState: 'soft-delete', powerState: s.guest.power, ...end })
    },
    async (s, d, c) => {
      await d.store.instances.change(instanceId(s.input.instanceId), s.before, d.clock.now(), { sagaId: c.sagaId })
    },
  )
  .step('moves', (s, d, c) => endMoves(d, s.input.instanceId, c.key))
  .settled(async (s, outcome, tx, { sagaId, nowMs }) => {
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, event, failure)
    if (failure === undefined) return tx.serverShares.changeAllOf(s.input.instanceId, 'inactive', nowMs)
    await tx.instances.change(instanceId(s.input.instanceId), { deletedAtMs: null }, nowMs, { sagaId })
    await recordFault(tx, nowMs, s.input, failure, s.guest?.host ?? null)
  })
  .telling({ 'before guest': say('instance.soft_delete.start'), done: say('instance.soft_delete.end') })

/** Brings it back, running, whatever it was before: one that was on the shelf needs its image no more. */
export const serverRestore = powerSaga<ServerTask>('server-restore', {
  event: 'compute_restore_instance',
  notices: ['instance.restore.start', 'instance.restore.end'],
  vmState: 'active',
  isBoot: true,
  also: { deletedAtMs: null, terminatedAtMs: null },
  ask: async (host, instance, _input, d, c) => host.start({ spec: await startSpecOf(d, instance) }, { key: c.key }),
}).pivot('shelf', async (s, d, c) => {
  const instance = await d.store.instances.get(s.input.instanceId)
  const imageId = shelvedImageOf(instance)
  if (imageId !== null) await removeImage(d, imageId)
  await changeOwned(d, s.input, c, { systemMetadata: withoutShelvedKeys(instance) })
})
