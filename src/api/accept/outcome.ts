import { faultFromRecord, pause } from '#base'
import type { Journal } from '#saga'
import type { ApiDeps } from '../deps.ts'

const everyMs = 25

/**
 * Waits for the end of a saga, for the few requests that are answered when the work is done. Throws what it was undone for.
 * False when the time is over: the work goes on.
 */
export async function hasEnded(deps: ApiDeps, sagaId: string, withinMs: number): Promise<boolean> {
  for (const endMs = deps.clock.now() + withinMs; ; ) {
    const journal = await deps.store.sagas.endedJournal<Journal>(sagaId)
    if (journal !== undefined) {
      if (journal.failure !== null) throw faultFromRecord(journal.failure)
      return true
    }
    if (deps.clock.now() >= endMs) return false
    await pause(everyMs, deps.clock)
  }
}
