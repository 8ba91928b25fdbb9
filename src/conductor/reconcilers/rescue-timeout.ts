import type { ConductorDeps } from '../deps.ts'
import { beginInstead } from './saga-in-stead.ts'

/** At one look; the next one takes the rest. */
const mostAtOnce = 500

/** Servers that have been rescued for too long run from their own disk again. Returns the sagas that do it. */
export async function endRescues(deps: ConductorDeps, timeoutMs: number): Promise<readonly string[]> {
  const { store, clock, log } = deps
  const begun: string[] = []
  for (const id of await store.instances.rescuedBefore(clock.now() - timeoutMs, mostAtOnce)) {
    const task = { saga: 'server-unrescue', input: {}, taskState: 'unrescuing' } as const
    const sagaId = await beginInstead(deps, id, { ...task, expected: { vmState: 'rescued' } })
    if (sagaId === undefined) continue
    log.info({ instance_id: id }, 'the time of a rescue is over')
    begun.push(sagaId)
  }
  return begun
}
