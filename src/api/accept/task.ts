import { newUuid } from '#base'
import type { SagaInputs, SagaName } from '#bus'
import type { Caller } from '#cloud'
import {
  type ActionName,
  type Instance,
  InstanceInvalidState,
  InstanceIsLocked,
  InstanceNotReady,
  lifecycle,
  type Refusal,
  type Rule,
  refusal,
} from '#model'
import { emptyJournal } from '#saga'
import { type InstanceChange, type Store, turnOf } from '#store'
import type { ApiDeps } from '../deps.ts'
import { mustHaveNoShares } from './shares.ts'
import { interrupt, wake } from './wake.ts'

/** The 409 that belongs to a refusal, naming the action as the API does. */
export function refusalFault(instance: Instance, action: string, why: Refusal) {
  const { id } = instance
  if (why.why === 'locked') return InstanceIsLocked({ id })
  if (why.why === 'no_host') return InstanceNotReady({ id })
  if (why.why === 'launched_at') return InstanceInvalidState({ action, id, attr: 'launched_at', state: null })
  return InstanceInvalidState({ action, id, attr: why.why, state: why.state })
}

export const situationOf = (instance: Instance) => ({
  vmState: instance.vmState,
  taskState: instance.taskState,
  hasLaunched: instance.launchedAtMs !== null,
  isLocked: instance.lockedBy !== null,
  hasHost: instance.host !== null,
})

/** Throws the 409 when the lifecycle table refuses the action now. `word` is the action's name in the message. */
export function mustAllow(instance: Instance, action: ActionName, word: string, isAdmin: boolean): void {
  const why = refusal(action, situationOf(instance), isAdmin)
  if (why !== undefined) throw refusalFault(instance, word, why)
}

export interface TaskRequest<N extends SagaName> {
  readonly action: ActionName
  /** The action's name in a 409: `stop`, `reboot`, … */
  readonly word: string
  readonly saga: N
  readonly input: Omit<SagaInputs[N], 'instanceId' | 'requestId'>
  /** Sagas in flight are asked to take everything back first. Otherwise the new one just waits for them. */
  readonly cancelsOthers?: boolean
  /** What the acceptance already changes in the record. */
  readonly change?: InstanceChange
  /** Further conditions, looked at in the transaction that accepts. */
  readonly mustHold?: (tx: Store) => Promise<void>
  /** Further rows of the acceptance. */
  readonly alsoWrite?: (tx: Store) => Promise<void>
}

/** The request for a server as it is; where that depends on its host or flavor, it is asked again when they have changed. */
export type TaskRequestFor<N extends SagaName> = TaskRequest<N> | ((instance: Instance) => Promise<TaskRequest<N>>)

/** Hands the row to the saga if it still is as it was when it was checked. */
async function takeOver(
  tx: Store,
  deps: ApiDeps,
  instance: Instance,
  rule: Rule,
  sagaId: string,
  change: InstanceChange = {},
): Promise<boolean> {
  const task = rule.doing === null ? {} : { taskState: rule.doing, sagaId }
  return tx.instances.change(instance.id, { ...change, ...task }, deps.clock.now(), {
    vmState: instance.vmState,
    taskState: instance.taskState,
    host: instance.host,
    flavorId: instance.flavor.flavorId,
  })
}

/** Whether the row is still as it was when it was checked; `takeOver` asks the same of the database. */
async function isUnchanged(tx: Store, { id, vmState, taskState, host, flavor }: Instance): Promise<boolean> {
  const now = await tx.instances.find(id)
  const isSame = now?.vmState === vmState && now.taskState === taskState && now.host === host
  return isSame && now.flavor.flavorId === flavor.flavorId
}

/**
 * Accepts a long operation on a server: check by the lifecycle table, then action, saga and task state in one transaction.
 * A row that changed in between is checked again. Returns the saga's id.
 */
export async function beginTask<N extends SagaName>(
  deps: ApiDeps,
  caller: Caller,
  isAdmin: boolean,
  requestId: string,
  found: Instance,
  asked: TaskRequestFor<N>,
): Promise<string> {
  let instance = found
  for (;;) {
    const request = typeof asked === 'function' ? await asked(instance) : asked
    const rule: Rule = lifecycle[request.action]
    mustAllow(instance, request.action, request.word, isAdmin)
    const at = instance
    const accepted = await deps.store.transaction(async tx => {
      const sagaId = newUuid()
      await tx.turn(turnOf.server(at.id))
      await mustHaveNoShares(tx, request.action, at.id)
      if (request.mustHold !== undefined) {
        // What it says of a server that another request has just taken would be beside the point.
        if (!(await isUnchanged(tx, at))) return undefined
        await request.mustHold(tx)
      }
      if (!(await takeOver(tx, deps, at, rule, sagaId, request.change))) return undefined
      await request.alsoWrite?.(tx)
      const others = await tx.sagas.openOf(at.id)
      if (request.cancelsOthers === true) for (const other of others) await tx.sagas.cancel(other)
      if (rule.recorded !== null) {
        await tx.actions.start({
          instanceId: at.id,
          action: rule.recorded,
          requestId,
          userId: caller.userId,
          projectId: caller.projectId,
          startAtMs: deps.clock.now(),
        })
      }
      const input = { ...request.input, instanceId: at.id, requestId }
      const waitsFor = others.at(-1) ?? null
      await tx.sagas.add(
        { id: sagaId, name: request.saga, instanceId: at.id, input, waitsFor },
        emptyJournal(),
        deps.clock.now(),
      )
      return { sagaId, cancelled: request.cancelsOthers === true ? others : [] }
    })
    if (accepted !== undefined) {
      for (const other of accepted.cancelled) await interrupt(deps, other)
      await wake(deps, accepted.sagaId)
      return accepted.sagaId
    }
    instance = await deps.store.instances.get(at.id)
  }
}

/** The same for who need not know which saga it is. */
export async function acceptTask<N extends SagaName>(...asked: Parameters<typeof beginTask<N>>): Promise<void> {
  await beginTask<N>(...asked)
}

/** Always allowed (but for a lock), idempotent: a server that is being deleted is deleted once. */
export async function acceptDelete(
  deps: ApiDeps,
  caller: Caller,
  isAdmin: boolean,
  requestId: string,
  instance: Instance,
  action: 'delete' | 'forceDelete',
): Promise<void> {
  if (instance.taskState === 'deleting' && (instance.lockedBy === null || isAdmin)) return
  const devices = await deps.store.blockDevices.of(instance.id)
  const hasSecrets = devices.some(({ encryption }) => encryption !== undefined)
  await acceptTask(deps, caller, isAdmin, requestId, instance, {
    action,
    word: action,
    saga: 'server-delete',
    input: {},
    cancelsOthers: true,
    // The secrets of its disks are its user's, and go in the name of whoever deletes it.
    ...(hasSecrets
      ? { alsoWrite: tx => tx.launchSecrets.keep(instance.id, { adminPassword: '', files: [], creator: caller }) }
      : {}),
  })
}

/** Puts the server away for `reclaim_instance_interval`; one that has never run is deleted for good. */
export async function acceptSoftDelete(
  deps: ApiDeps,
  caller: Caller,
  isAdmin: boolean,
  requestId: string,
  instance: Instance,
): Promise<void> {
  if (instance.launchedAtMs === null) return acceptDelete(deps, caller, isAdmin, requestId, instance, 'delete')
  const isOnItsWay = instance.taskState === 'deleting' || instance.taskState === 'soft-deleting'
  if (isOnItsWay && (instance.lockedBy === null || isAdmin)) return
  await acceptTask(deps, caller, isAdmin, requestId, instance, {
    action: 'softDelete',
    word: 'soft_delete',
    saga: 'server-soft-delete',
    input: {},
    cancelsOthers: true,
    change: { deletedAtMs: deps.clock.now(), progress: 0 },
  })
}
