import { instanceId, newUuid } from '#base'
import { emptyJournal } from '#saga'
import type { ConductorDeps } from '../deps.ts'

/** At one look; the next one takes the rest. */
const mostAtOnce = 500

/**
 * Servers that were put away long enough ago are deleted for good. Nobody asks for it, so no action is recorded. Returns the
 * sagas that do it.
 */
export async function reclaim(deps: ConductorDeps, intervalMs: number): Promise<readonly string[]> {
  const { store, clock, log } = deps
  const nowMs = clock.now()
  const begun: string[] = []
  for (const id of await store.instances.putAwayBefore(nowMs - intervalMs, mostAtOnce)) {
    const sagaId = newUuid()
    const isTaken = await store.transaction(async tx => {
      const change = { taskState: 'deleting', sagaId } as const
      const idle = { vmState: 'soft-delete', taskState: null } as const
      if (!(await tx.instances.change(instanceId(id), change, nowMs, idle))) return false
      const input = { instanceId: id, requestId: `req-${newUuid()}` }
      const waitsFor = (await tx.sagas.openOf(id)).at(-1) ?? null
      await tx.sagas.add({ id: sagaId, name: 'server-delete', instanceId: id, input, waitsFor }, emptyJournal(), nowMs)
      return true
    })
    if (!isTaken) continue
    log.info({ instance_id: id }, 'reclaiming a deleted server')
    begun.push(sagaId)
  }
  return begun
}
