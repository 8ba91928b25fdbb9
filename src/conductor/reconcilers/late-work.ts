import { declareFault } from '#base'
import type { SagaEngine } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { beginInstead } from './saga-in-stead.ts'

/** At one look; the next one takes the rest. */
const mostAtOnce = 500

export const BuildTimedOut = declareFault(
  'BuildTimedOut',
  'final',
  (p: { seconds: number }) => `Instance build timed out after ${p.seconds} seconds. Set to error state.`,
)

async function cancel(deps: ConductorDeps, engine: SagaEngine<Store>, sagaIds: readonly string[], why?: Error) {
  for (const id of sagaIds) {
    await deps.store.sagas.cancel(id)
    engine.interrupt(id, why)
  }
}

/** Builds that take longer than `instance_build_timeout` are taken back; their servers end in an error that says so. */
export async function endLateBuilds(
  deps: ConductorDeps,
  engine: SagaEngine<Store>,
  limitMs: number,
): Promise<readonly string[]> {
  const { store, clock, log } = deps
  for (const id of await store.instances.lateIn('building', clock.now() - limitMs, mostAtOnce)) {
    log.warn({ instance_id: id }, 'a build takes too long; ending it')
    await cancel(deps, engine, await store.sagas.openOf(id), BuildTimedOut({ seconds: limitMs / 1000 }))
  }
  return []
}

/** Soft reboots that take longer than `reboot_timeout` become hard ones. Returns the sagas that do it. */
export async function hardenLateReboots(
  deps: ConductorDeps,
  engine: SagaEngine<Store>,
  limitMs: number,
): Promise<readonly string[]> {
  const { store, clock, log } = deps
  const begun: string[] = []
  for (const id of await store.instances.lateIn('rebooting', clock.now() - limitMs, mostAtOnce)) {
    const others = await store.sagas.openOf(id)
    const sagaId = await beginInstead(deps, id, {
      saga: 'server-reboot',
      input: { kind: 'hard' },
      taskState: 'rebooting_hard',
      expected: { taskState: ['rebooting', 'reboot_pending', 'reboot_started'] },
    })
    if (sagaId === undefined) continue
    log.warn({ instance_id: id }, 'a reboot takes too long; pulling the plug')
    await cancel(deps, engine, others)
    begun.push(sagaId)
  }
  return begun
}
