import type { ConductorDeps } from '../deps.ts'
import { beginInstead } from './saga-in-stead.ts'

/** At one look; the next one takes the rest. */
const mostAtOnce = 500

/** Servers that were put away long enough ago are deleted for good. Returns the sagas that do it. */
export async function reclaim(deps: ConductorDeps, intervalMs: number): Promise<readonly string[]> {
  const { store, clock, log } = deps
  const begun: string[] = []
  for (const id of await store.instances.putAwayBefore(clock.now() - intervalMs, mostAtOnce)) {
    const task = { saga: 'server-delete', input: {}, taskState: 'deleting' } as const
    const sagaId = await beginInstead(deps, id, { ...task, expected: { vmState: 'soft-delete' } })
    if (sagaId === undefined) continue
    log.info({ instance_id: id }, 'reclaiming a deleted server')
    begun.push(sagaId)
  }
  return begun
}
