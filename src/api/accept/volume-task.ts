import { newUuid } from '#base'
import type { SagaInputs, VolumeSagaInputs } from '#bus'
import type { Caller } from '#cloud'
import { type ActionName, type Instance, lifecycle, type Rule } from '#model'
import { emptyJournal } from '#saga'
import { type Store, turnOf } from '#store'
import type { ApiDeps } from '../deps.ts'
import { mustAllow } from './task.ts'
import { holdMs } from './volumes.ts'
import { wake } from './wake.ts'

type Name = keyof VolumeSagaInputs

export interface VolumeTask<N extends Name> {
  readonly action: ActionName
  /** The action's name in a 409. */
  readonly word: string
  readonly saga: N
  /** In the transaction that accepts: the rows of it, and what the saga is told. May refuse. */
  readonly prepare: (tx: Store) => Promise<Omit<SagaInputs[N], 'instanceId' | 'requestId'>>
  /** What Cinder is told while the user waits; when it refuses, nothing has happened. */
  readonly hold: () => Promise<void>
  /** The rows that `prepare` has made. */
  readonly takeBack: (tx: Store) => Promise<void>
}

/**
 * Accepts something about one volume of a server. The saga is written first and held: should this process die while it
 * speaks to Cinder, the saga does the same by itself. A refusal of Cinder takes the saga back, as if it had never been
 * asked for.
 */
export async function acceptVolumeTask<N extends Name>(
  deps: ApiDeps,
  caller: Caller,
  requestId: string,
  found: Instance,
  isAdmin: boolean,
  task: VolumeTask<N>,
): Promise<void> {
  const { store, clock } = deps
  const sagaId = newUuid()
  const rule: Rule = lifecycle[task.action]
  await store.transaction(async tx => {
    await tx.turn(turnOf.server(found.id))
    mustAllow(await tx.instances.get(found.id), task.action, task.word, isAdmin)
    const input = { ...(await task.prepare(tx)), instanceId: found.id, requestId }
    const waitsFor = (await tx.sagas.openOf(found.id)).at(-1) ?? null
    const saga = { id: sagaId, name: task.saga, instanceId: found.id, input, waitsFor }
    await tx.sagas.add({ ...saga, heldUntilMs: clock.now() + holdMs }, emptyJournal(), clock.now())
  })
  try {
    await task.hold()
  } catch (error) {
    await store.transaction(async tx => {
      if (await tx.sagas.withdraw(sagaId)) await task.takeBack(tx)
    })
    throw error
  }
  await store.transaction(async tx => {
    if (rule.recorded !== null) {
      const { userId, projectId } = caller
      const startAtMs = clock.now()
      await tx.actions.start({ instanceId: found.id, action: rule.recorded, requestId, userId, projectId, startAtMs })
    }
    await tx.sagas.release(sagaId)
  })
  await wake(deps, sagaId)
}
