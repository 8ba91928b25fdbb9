import { silentLog, systemClock } from '#base'
import { sagas } from '#conductor'
import { type EngineOptions, type Journal, SagaEngine } from '#saga'
import { type Store, sagaJournal } from '#store'
import type { SmallCloud } from './world.ts'

/** An engine over the cloud's sagas, not started: it runs what it is woken for. */
export const engineOf = (
  cloud: Pick<SmallCloud, 'store' | 'conductor'>,
  more: Partial<EngineOptions<Store>> = {},
): SagaEngine<Store> =>
  new SagaEngine<Store>({
    store: sagaJournal<Journal>(cloud.store, systemClock),
    definitions: Object.values(sagas),
    deps: cloud.conductor,
    owner: 'test',
    log: silentLog,
    ...more,
  })

/** Runs what is open now, of one server or of all, to its end; what follows from it stays open. */
export async function runOpen(
  cloud: Pick<SmallCloud, 'store' | 'conductor'>,
  instanceId?: string,
  engine = engineOf(cloud),
): Promise<void> {
  const { sagas: open } = cloud.store
  const ids = instanceId === undefined ? (await open.open()).map(({ id }) => id) : await open.openOf(instanceId)
  for (const id of ids) engine.wake(id)
  await engine.idle()
}

/** The same with all that follows from it. */
export async function runAll(
  cloud: Pick<SmallCloud, 'store' | 'conductor'>,
  instanceId?: string,
  engine = engineOf(cloud),
): Promise<void> {
  const { sagas: open } = cloud.store
  const isOver = async () =>
    instanceId === undefined ? (await open.open()).length === 0 : (await open.openOf(instanceId)).length === 0
  while (!(await isOver())) await runOpen(cloud, instanceId, engine)
}
