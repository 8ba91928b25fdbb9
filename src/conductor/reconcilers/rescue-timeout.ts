import { instanceId, newUuid } from '#base'
import { emptyJournal } from '#saga'
import type { ConductorDeps } from '../deps.ts'

/** At one look; the next one takes the rest. */
const mostAtOnce = 500

/** Servers that have been rescued for too long run from their own disk again. Returns the sagas that do it. */
export async function endRescues(deps: ConductorDeps, timeoutMs: number): Promise<readonly string[]> {
  const { store, clock, log } = deps
  const nowMs = clock.now()
  const begun: string[] = []
  for (const id of await store.instances.rescuedBefore(nowMs - timeoutMs, mostAtOnce)) {
    const sagaId = newUuid()
    const isTaken = await store.transaction(async tx => {
      const change = { taskState: 'unrescuing', sagaId } as const
      if (!(await tx.instances.change(instanceId(id), change, nowMs, { vmState: 'rescued', taskState: null })))
        return false
      const input = { instanceId: id, requestId: `req-${newUuid()}` }
      await tx.sagas.add({ id: sagaId, name: 'server-unrescue', instanceId: id, input }, emptyJournal(), nowMs)
      return true
    })
    if (!isTaken) continue
    log.info({ instance_id: id }, 'the time of a rescue is over')
    begun.push(sagaId)
  }
  return begun
}
