import type { Clock } from '#base'
import type { Store } from './store.ts'

/**
 * The journal port of the saga engine on the store: the end of a saga, what it means for the rows, and the end of its task
 * states are one transaction. `J` is the engine's journal, carried as JSON.
 */
export function sagaJournal<J>(store: Store, clock: Clock) {
  return {
    claim: (id: string, owner: string, nowMs: number, leaseUntilMs: number) =>
      store.sagas.claim<J>(id, owner, nowMs, leaseUntilMs),
    runnable: (nowMs: number, limit: number) => store.sagas.runnable(nowMs, limit),
    write: (row: { id: string; generation: number }, owner: string, journal: J) =>
      store.sagas.write(row, owner, journal),
    finish: (
      row: { id: string; generation: number },
      owner: string,
      journal: J,
      status: 'done' | 'undone',
      settle: (tx: Store) => Promise<void>,
    ) =>
      store.transaction(async tx => {
        if (!(await tx.sagas.end(row, owner, journal, status, clock.now()))) return 'lost' as const
        await settle(tx)
        await tx.instances.releaseTask(row.id, clock.now())
        return 'ok' as const
      }),
    renew: (owner: string, leaseUntilMs: number) => store.sagas.renew(owner, leaseUntilMs),
    dependents: (id: string) => store.sagas.dependents(id),
  }
}
