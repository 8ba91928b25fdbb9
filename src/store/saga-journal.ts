import type { Clock, FaultRecord } from '#base'
import type { Store } from './store.ts'
import { turnOf } from './turns.ts'

/** What the end of a saga has to know of it. */
interface Ending {
  readonly id: string
  readonly name: string
  readonly instanceId: string | null
  readonly generation: number
  readonly input: unknown
}

/** An action that was accepted has a result, whatever step its saga failed at and whoever took the server over. */
async function concludeAction(tx: Store, { name, instanceId, input }: Ending, failure: FaultRecord, nowMs: number) {
  const requestId = (input as { readonly requestId?: string } | null)?.requestId
  if (instanceId === null || requestId === undefined) return
  const { message, detail } = failure
  const event = `conductor_${name.replaceAll('-', '_')}`
  await tx.actions.conclude({ instanceId, requestId, event, nowMs, details: message, traceback: detail ?? message })
}

/**
 * The journal port of the saga engine on the store: the end of a saga, what it means for the rows, and the end of its task
 * states are one transaction. `J` is the engine's journal, carried as JSON.
 */
export function sagaJournal<J extends { readonly failure: FaultRecord | null }>(store: Store, clock: Clock) {
  return {
    claim: (id: string, owner: string, nowMs: number, leaseUntilMs: number) =>
      store.sagas.claim<J>(id, owner, nowMs, leaseUntilMs),
    runnable: (nowMs: number, limit: number) => store.sagas.runnable(nowMs, limit),
    write: (row: { id: string; generation: number }, owner: string, journal: J, also?: (tx: Store) => Promise<void>) =>
      also === undefined
        ? store.sagas.write(row, owner, journal)
        : store.transaction(async tx => {
            const result = await tx.sagas.write(row, owner, journal)
            if (result !== 'lost') await also(tx)
            return result
          }),
    finish: (
      row: Ending,
      owner: string,
      journal: J,
      status: 'done' | 'undone',
      settle: (tx: Store) => Promise<void>,
      last?: (tx: Store) => Promise<void>,
    ) =>
      store.transaction(async tx => {
        // What settles it reads the server's rows and writes them anew.
        if (row.instanceId !== null) await tx.turn(turnOf.server(row.instanceId))
        if (!(await tx.sagas.end(row, owner, journal, status, clock.now()))) return 'lost' as const
        await settle(tx)
        if (journal.failure !== null) await concludeAction(tx, row, journal.failure, clock.now())
        await tx.instances.releaseTask(row.id, clock.now())
        await last?.(tx)
        return 'ok' as const
      }),
    renew: (owner: string, leaseUntilMs: number) => store.sagas.renew(owner, leaseUntilMs),
    dependents: (id: string) => store.sagas.dependents(id),
  }
}
