import { instanceId, newUuid } from '#base'
import type { SagaInputs, SagaName, ServerTask } from '#bus'
import type { TaskState } from '#model'
import { emptyJournal } from '#saga'
import { type Expected, type InstanceChange, turnOf } from '#store'
import type { ConductorDeps } from '../deps.ts'

/** What nobody asked for: a saga that Nova starts by itself. No action is recorded. */
export interface Instead<N extends SagaName> {
  readonly saga: N
  readonly input: Omit<SagaInputs[N], keyof ServerTask>
  /** The task that the server shows meanwhile. */
  readonly taskState: TaskState
  readonly change?: InstanceChange
  /** The server must still be so: it is compared and changed in one. */
  readonly expected: Expected
}

/** Undefined: the server is not as expected any more, or somebody works on it. */
export async function beginInstead<N extends SagaName>(
  { store, clock }: ConductorDeps,
  id: string,
  { saga, input, taskState, change, expected }: Instead<N>,
): Promise<string | undefined> {
  const sagaId = newUuid()
  const nowMs = clock.now()
  const isTaken = await store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    const task = { ...change, taskState, sagaId }
    if (!(await tx.instances.change(instanceId(id), task, nowMs, { taskState: null, ...expected }))) return false
    const waitsFor = (await tx.sagas.openOf(id)).at(-1) ?? null
    const row = { id: sagaId, name: saga, instanceId: id, waitsFor }
    const requestId = `req-${newUuid()}`
    await tx.sagas.add({ ...row, input: { ...input, instanceId: id, requestId } }, emptyJournal(), nowMs)
    return true
  })
  return isTaken ? sagaId : undefined
}
