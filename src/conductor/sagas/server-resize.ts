import { faultFromRecord } from '#base'
import type { SagaInputs } from '#bus'
import { MaxRetriesExceeded } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { leaveAllocation, letGo, takeAllocation } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { asEvent, failEvents, nothingPending, scheduleMove, stateBefore } from '../moves.ts'
import { isCancel, say } from '../notices.ts'
import { recordFault } from '../records.ts'
import { finishEventName, type ResizeOnHost, resizeOnHost } from './resize-on-host.ts'

const scheduleEvents = ['conductor_migrate_server', 'cold_migrate'] as const
const events = [...scheduleEvents, 'compute_prep_resize', 'compute_resize_instance', finishEventName]

/** Faults of the guest or the request: another target would meet them as well. */
const hopelessElsewhere = new Set(['ResizeError', 'InstanceNotFound', 'UnexpectedTaskStateError'])

/**
 * Resize, and cold migration, which is a resize to the same flavor.
 *
 * The migration's record takes over the allocation at the source and keeps it until the move is confirmed or reverted.
 * The row ends `resized`; or everything is as before, the guest running if it did, with a fault that says why.
 */
export const serverResize = saga<ConductorDeps, SagaInputs['server-resize'], Store>('server-resize')
  .step('before', (s, d) => stateBefore(d, s.input.instanceId))
  .step(
    'allocation',
    (s, d) => leaveAllocation(d, s.input),
    (s, d) => takeAllocation(d, s.input),
  )
  .step(
    'selections',
    (s, d, c) =>
      asEvent(d, s.input, scheduleEvents[0], null, () =>
        asEvent(d, s.input, scheduleEvents[1], null, () => scheduleMove(d, s.input, s.input.spec, c)),
      ),
    (s, d) => letGo(d, s.input.instanceId),
  )
  .attempt('move', {
    items: (s): ResizeOnHost[] =>
      s.selections.map((selection, i) => ({ ...s.input, before: s.before, selection, isClaimed: i === 0 })),
    child: resizeOnHost,
    mayTryNext: failure => !hopelessElsewhere.has(failure.code),
    exhausted: (s, failures) => {
      const last = failures.at(-1)
      if (last !== undefined && (failures.length === 1 || hopelessElsewhere.has(last.code)))
        return faultFromRecord(last)
      const reason = failures.map((f, i) => `${s.selections[i]?.host ?? '?'}: ${f.message}`).join(' ')
      return MaxRetriesExceeded({ id: s.input.instanceId, reason })
    },
  })
  .settled(async (s, outcome, tx, { nowMs }) => {
    if (outcome.status === 'done') return
    await tx.moves.change(s.input.migrationId, { status: 'error', pending: nothingPending }, nowMs)
    await failEvents(tx, nowMs, s.input, events, outcome.failure)
    await recordFault(tx, nowMs, s.input, outcome.failure, s.before?.host ?? null)
  })
  .telling({
    undone: say('compute_task.migrate_server.error', (s, failure) =>
      isCancel(failure) ? undefined : { spec: s.input.spec, state: s.before?.vmState ?? null },
    ),
    done: say('instance.resize_finish.end'),
  })
