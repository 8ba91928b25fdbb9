import { declareFault } from '#base'
import type { Instance } from '#model'
import type { ConductorDeps } from '../../deps.ts'
import { removeHalfSnapshot, volumeSnapshotEvent } from './images.ts'
import type { Suspects } from './suspects.ts'

const mostAtOnce = 100
/** So many rounds an API may work on a request. */
const actionRounds = 10

export const WorkLost = declareFault('WorkLost', 'final', () => 'The operation was lost: nobody works on it any more.')

/** A task that no saga can end ends here; a server that was being built by nobody is an error that says so. */
async function giveUp({ store, clock }: ConductorDeps, instance: Instance): Promise<void> {
  const { id, vmState, taskState, sagaId, host } = instance
  const isBuilding = vmState === 'building'
  const now = clock.now()
  const change = { taskState: null, sagaId: null, ...(isBuilding ? ({ vmState: 'error' } as const) : {}) }
  await store.transaction(async tx => {
    if (!(await tx.instances.change(id, change, now, { vmState, taskState, sagaId }))) return
    const { message } = WorkLost({})
    await tx.faults.add({ instanceId: id, code: 500, message, details: message, host, createdAtMs: now })
  })
}

/**
 * Work that says it goes on and does not. The rules of sagas leave none; whatever edits the database by hand or comes from an
 * older release may, and then somebody must end it.
 */
export async function auditWork(d: ConductorDeps, suspects: Suspects): Promise<void> {
  const { store, clock, log } = d
  for (const instance of await store.instances.lost(mostAtOnce)) {
    const { id, vmState, taskState } = instance
    if (!suspects.note(`work on ${id} ${taskState}`)) continue
    log.error({ instance_id: id, vm_state: vmState, task_state: taskState }, 'nobody works on this server; task ended')
    await giveUp(d, instance)
  }
  for (const { uuid, instanceId, status } of await store.moves.lost(mostAtOnce)) {
    if (!suspects.note(`move ${uuid} ${status}`)) continue
    log.error({ instance_id: instanceId, migration: uuid, status }, 'nobody works on this move; it has failed')
    await store.moves.change(uuid, { status: 'error' }, clock.now(), status)
  }
  for (const { sourceHost: host, uuid } of await store.moves.inStatus('done')) {
    // It waits for a host that will not come back.
    if ((await store.services.find(host, 'nova-compute')) !== undefined || !suspects.note(`done ${uuid}`)) continue
    await store.moves.change(uuid, { status: 'completed' }, clock.now(), 'done')
  }
  const patienceMs = actionRounds * (d.options.auditMs ?? 0)
  for (const lost of await store.actions.lost(clock.now() - patienceMs, mostAtOnce)) {
    const { message } = WorkLost({})
    const { instanceId, requestId } = lost
    if (lost.event === volumeSnapshotEvent) await removeHalfSnapshot(d, lost, patienceMs)
    const end = { event: 'conductor_audit', nowMs: clock.now(), details: message, traceback: message }
    await store.actions.conclude({ instanceId, requestId, ...end })
  }
}
