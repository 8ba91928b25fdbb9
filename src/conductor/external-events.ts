import { faultRecord, KeyedQueues } from '#base'
import type { ExternalEvent } from '#bus'
import type { Instance } from '#model'
import { HypervisorError } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { dropInterface, refreshNetwork } from './network-info.ts'
import { notePlugged } from './plugged-ports.ts'
import { finishEvent, recordFault, startEvent } from './records.ts'

/** Work that the user sees as an event of an action, and as a fault when it fails. */
async function recorded(
  { store, clock }: ConductorDeps,
  instance: Instance,
  { instanceId, requestId }: ExternalEvent,
  name: string,
  work: () => Promise<void>,
): Promise<void> {
  const task = { instanceId, requestId }
  await startEvent(store, clock.now(), task, name, instance.host)
  try {
    await work()
    await finishEvent(store, clock.now(), task, name)
  } catch (error) {
    const failure = faultRecord(error)
    await finishEvent(store, clock.now(), task, name, failure)
    await recordFault(store, clock.now(), task, failure, instance.host)
    throw error
  }
}

/** Machines of Ironic go on and off by themselves; guests do so only through their host, which tells us itself. */
async function powerUpdate({ log }: ConductorDeps, instance: Instance, tag: string): Promise<void> {
  const { id, vmState, taskState, powerState } = instance
  const canGoOn = tag === 'POWER_ON' && vmState === 'stopped' && powerState === 4
  const canGoOff = tag === 'POWER_OFF' && vmState === 'active' && powerState === 1
  if (taskState === null && (canGoOn || canGoOff))
    throw HypervisorError({ operation: 'power update', reason: 'guests of this hypervisor obey nobody else' })
  log.info({ instance_id: id, vm_state: vmState, task_state: taskState, tag }, 'a power update changes nothing')
}

async function workOn(deps: ConductorDeps, event: ExternalEvent): Promise<void> {
  const { name, tag } = event
  const instance = await deps.store.instances.find(event.instanceId)
  if (instance === undefined) return
  switch (name) {
    case 'network-changed':
      return refreshNetwork(deps, instance.id)
    case 'network-vif-deleted':
      return tag === null ? undefined : dropInterface(deps, instance.id, tag)
    case 'network-vif-plugged':
    case 'network-vif-unplugged':
      if (tag === null || event.status !== 'completed') return
      return notePlugged(deps, instance.id, tag, name === 'network-vif-plugged')
    case 'power-update':
      if (tag !== 'POWER_ON' && tag !== 'POWER_OFF') return
      return recorded(deps, instance, event, 'compute_power_update', () => powerUpdate(deps, instance, tag))
    default:
      // Told to whoever waits for it; the sagas look at ports, volumes and requests themselves.
      deps.log.debug(
        { instance_id: instance.id, event: name, tag, status: event.status },
        'nobody waits for this event',
      )
  }
}

/** Takes events and works on them in order per server; what fails is logged, for there is nobody to tell. */
export function externalEventDesk(deps: ConductorDeps): (events: readonly ExternalEvent[]) => void {
  const queues = new KeyedQueues<string>()
  return events => {
    for (const event of events) {
      queues
        .run(event.instanceId, () => workOn(deps, event))
        .catch(error =>
          deps.log.warn({ instance_id: event.instanceId, event: event.name, err: error }, 'an external event failed'),
        )
    }
  }
}
