import type { Instance } from '#model'
import type { InstanceChange, Store } from '#store'
import type { Notices } from './notices.ts'

type Instances = Store['instances']

/** Fields that say nothing of a server by themselves: they move while something is under way. */
const silent: ReadonlySet<string> = new Set<keyof InstanceChange>([
  'progress',
  'sagaId',
  'updatedAtMs',
  'systemMetadata',
])

const isTelling = (change: InstanceChange): boolean => Object.keys(change).some(field => !silent.has(field))

async function tellChange(tx: Store, notices: Notices, before: Instance, id: string): Promise<void> {
  const after = await tx.instances.find(id, { withDeleted: true })
  if (after === undefined) return
  const isNewState = before.vmState !== after.vmState
  const isNewTask = notices.stateChanges === 'vm_and_task_state' && before.taskState !== after.taskState
  const oldDisplayName = before.displayName === after.displayName ? null : before.displayName
  const stateUpdate = {
    oldState: before.vmState,
    state: after.vmState,
    oldTaskState: before.taskState,
    newTaskState: after.taskState,
  }
  await notices.tell(tx, 'instance.update', {
    instance: after,
    ...(isNewState || isNewTask ? { stateUpdate } : { oldDisplayName }),
  })
}

/** The records of servers, of whose changes is told in the transaction that makes them. */
function watchedInstances(tx: Store, notices: Notices): Instances {
  const { instances } = tx
  const overrides: Partial<Instances> = {
    async change(id, change, nowMs, expected) {
      const before = isTelling(change) ? await instances.find(id) : undefined
      const isChanged = await instances.change(id, change, nowMs, expected)
      if (isChanged && before !== undefined) await tellChange(tx, notices, before, id)
      return isChanged
    },
    async create(made) {
      await instances.create(made)
      for (const { id, vmState, taskState } of made) {
        const stateUpdate = { oldState: vmState, state: vmState, oldTaskState: taskState, newTaskState: taskState }
        await notices.tell(tx, 'instance.update', { instance: id, stateUpdate })
      }
    },
    async releaseTask(sagaId, nowMs) {
      const before = await instances.ofSaga(sagaId)
      await instances.releaseTask(sagaId, nowMs)
      for (const one of before) if (one.taskState !== null) await tellChange(tx, notices, one, one.id)
    },
    async softDelete(id, nowMs) {
      const before = await instances.find(id)
      const isDeleted = await instances.softDelete(id, nowMs)
      if (isDeleted && before !== undefined) await tellChange(tx, notices, before, id)
      return isDeleted
    },
  }
  return new Proxy(instances, {
    get(target, name) {
      const own: unknown = Reflect.get(overrides, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const within = (tx: Store, notices: Notices): Store => ({ ...tx, instances: watchedInstances(tx, notices) })

/**
 * The same store, whose changes of servers are told as `instance.update` where `notify_on_state_change` says so. A change of
 * one statement becomes a transaction, with what it tells.
 */
export function watched(store: Store, notices: Notices): Store {
  if (!notices.isOn || notices.stateChanges === null) return store
  const transaction: Store['transaction'] = work => store.transaction(tx => work(within(tx, notices)))
  const { instances } = store
  const changing: Partial<Instances> = {
    change: (...given) => transaction(tx => tx.instances.change(...given)),
    create: (...given) => transaction(tx => tx.instances.create(...given)),
    releaseTask: (...given) => transaction(tx => tx.instances.releaseTask(...given)),
    softDelete: (...given) => transaction(tx => tx.instances.softDelete(...given)),
  }
  const outside = new Proxy(instances, {
    get(target, name) {
      const own: unknown = Reflect.get(changing, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...store, transaction, instances: outside }
}
