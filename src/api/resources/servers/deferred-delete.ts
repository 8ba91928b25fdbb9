import { anything, bare, operation } from '#api/kit'
import { type Instance, InstanceNotFound, lifecycle, zoneLeft } from '#model'
import { type Store, turnOf } from '#store'
import { acceptTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { type Counted, demandOf, excess, inUsageTurn, QuotaExceeded } from '../../quota/index.ts'
import { type ActionContext, faults } from './actions.ts'
import { findServer, isAdmin, targetOf } from './find.ts'

/** A server that was put away did not count; now it does again. */
const mustFitQuota =
  (deps: ApiDeps, { flavor, image, projectId, userId }: Instance, counted: Counted | undefined) =>
  async (tx: Store): Promise<void> => {
    const resources = await excess(tx, deps, { projectId, userId }, demandOf(flavor, image === null, 1), counted)
    if (resources.length > 0) throw QuotaExceeded({ resources })
  }

/** Nova's compute would have written it, had the server a host. */
const event = 'compute_restore_instance'

/** Without a host there is no guest to be started: the record alone comes back, that of an offloaded one to the shelf. */
async function restoreRecord(
  { caller, requestId }: ActionContext,
  deps: ApiDeps,
  instance: Instance,
  counted: Counted | undefined,
): Promise<void> {
  const { id } = instance
  const nowMs = deps.clock.now()
  await deps.store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    await mustFitQuota(deps, instance, counted)(tx)
    const vmState = zoneLeft in instance.systemMetadata ? 'shelved_offloaded' : 'active'
    const change = { vmState, deletedAtMs: null, terminatedAtMs: null } as const
    const isBack = await tx.instances.change(id, change, nowMs, { vmState: 'soft-delete', taskState: null })
    if (!isBack) throw InstanceNotFound({ id })
    const { userId, projectId } = caller
    const action = lifecycle.restore.recorded ?? 'restore'
    await tx.actions.start({ instanceId: id, action, requestId, userId, projectId, startAtMs: nowMs })
    await tx.actions.startEvent({ instanceId: id, requestId, event, host: null, nowMs })
    await tx.actions.finishEvent({ instanceId: id, requestId, event, nowMs })
  })
}

/** Brings a server back that was deleted but not yet reclaimed. */
export const restore = operation<ApiDeps, { id: string }>()({
  status: 202,
  policy: 'os_compute_api:os-deferred-delete:restore',
  body: bare(anything),
  faults: { ...faults, OverQuota: 403 },
  async handle(context, deps) {
    const { caller, allow, path, requestId } = context
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'restore', 'restore', isAdmin(caller))
    await deps.quotas.prepare(instance.projectId)
    await inUsageTurn(deps, instance, counted =>
      instance.host === null
        ? restoreRecord(context, deps, instance, counted)
        : acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
            action: 'restore',
            word: 'restore',
            saga: 'server-restore',
            input: {},
            mustHold: mustFitQuota(deps, instance, counted),
          }),
    )
  },
})
