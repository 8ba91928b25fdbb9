import { instanceId, newUuid } from '#base'
import type { SagaInputs } from '#bus'
import type { Instance } from '#model'
import { emptyJournal } from '#saga'
import { turnOf } from '#store'
import type { ConductorDeps } from '../deps.ts'

/** The saga belongs to the newest action of the server, which is its shelve: nobody asked for this one. */
async function accept(deps: ConductorDeps, { id }: Instance): Promise<string | undefined> {
  const nowMs = deps.clock.now()
  const sagaId = newUuid()
  const isAccepted = await deps.store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    const change = { taskState: 'shelving_offloading', sagaId } as const
    if (!(await tx.instances.change(instanceId(id), change, nowMs, { vmState: 'shelved', taskState: null })))
      return false
    const [newest] = (await tx.actions.list(id, { limit: 1 })) ?? []
    const input: SagaInputs['server-shelve-offload'] = { instanceId: id, requestId: newest?.requestId ?? '' }
    const waitsFor = (await tx.sagas.openOf(id)).at(-1) ?? null
    const row = { id: sagaId, name: 'server-shelve-offload', instanceId: id, input, waitsFor }
    await tx.sagas.add(row, emptyJournal(), nowMs)
    return true
  })
  return isAccepted ? sagaId : undefined
}

/** Servers that have been on the shelf for `shelved_offload_time` leave their hosts. */
export async function offloadShelved(deps: ConductorDeps, wake: (sagaId: string) => void): Promise<void> {
  const { shelvedOffloadMs } = deps.options
  if (shelvedOffloadMs <= 0) return
  const filter = { vmStates: ['shelved'], taskStates: [null], deleted: 'no' } as const
  const shelved = await deps.store.instances.list({ filter })
  for (const instance of shelved) {
    const shelvedAtMs = Date.parse(instance.systemMetadata['shelved_at'] ?? '')
    if (deps.clock.now() - shelvedAtMs < shelvedOffloadMs) continue
    const sagaId = await accept(deps, instance)
    if (sagaId !== undefined) wake(sagaId)
  }
}
