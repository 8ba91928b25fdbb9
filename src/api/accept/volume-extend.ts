import { newUuid } from '#base'
import type { Caller } from '#cloud'
import { emptyJournal } from '#saga'
import { turnOf } from '#store'
import type { ApiDeps } from '../deps.ts'
import { wake } from './wake.ts'

/** The volume service says that a volume of this server has grown: from here on the saga sees to it. */
export async function acceptVolumeExtend(
  deps: ApiDeps,
  { userId, projectId }: Pick<Caller, 'userId' | 'projectId'>,
  requestId: string,
  told: { readonly instanceId: string; readonly volumeId: string },
): Promise<void> {
  const { instanceId, volumeId } = told
  const nowMs = deps.clock.now()
  const id = newUuid()
  await deps.store.transaction(async tx => {
    await tx.turn(turnOf.server(instanceId))
    const action = 'extend_volume'
    await tx.actions.start({ instanceId, action, requestId, userId, projectId, startAtMs: nowMs })
    const waitsFor = (await tx.sagas.openOf(instanceId)).at(-1) ?? null
    const input = { instanceId, requestId, volumeId }
    await tx.sagas.add({ id, name: 'volume-extend', instanceId, input, waitsFor }, emptyJournal(), nowMs)
  })
  await wake(deps, id)
}
