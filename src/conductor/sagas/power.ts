import { instanceId } from '#base'
import type { Client, ComputeContract, ServerTask } from '#bus'
import { type Instance, InstanceNotReady, type VmState } from '#model'
import type { EventType } from '#notify'
import { type Outcome, type SettleContext, type StepContext, saga } from '#saga'
import type { InstanceChange, Store } from '#store'
import type { GuestState } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { gracefulMs } from '../graceful.ts'
import { hostClient, unlessAborted } from '../hosts.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { noteShareFailure, startSpecOf } from '../shares.ts'

/**
 * Operations that ask the host for one thing and write down what came of it: stop, start, pause, unpause, reboot.
 *
 * There is nothing to take back: a guest that was asked to stop may have stopped although the answer was lost. So a failure
 * leaves the vm_state, clears the task and records a fault; the power-state reconciler carries in what really happened.
 */
interface PowerOperation<T extends ServerTask> {
  readonly event: string
  /** What others are told when it begins and when it is done. */
  readonly notices: readonly [EventType, EventType]
  readonly vmState: VmState
  /** It may make the guest's process anew, which needs its interfaces wired before. */
  readonly isBoot?: true
  /** What else its success means for the record. */
  readonly also?: InstanceChange
  readonly ask: (
    host: Client<ComputeContract>,
    instance: Instance,
    input: T,
    d: ConductorDeps,
    c: StepContext,
  ) => Promise<GuestState>
}

interface Asked {
  readonly host: string
  readonly power: GuestState['power']
}

async function askHost<T extends ServerTask>(
  op: PowerOperation<T>,
  input: T,
  d: ConductorDeps,
  c: StepContext,
): Promise<Asked> {
  const instance = await d.store.instances.get(input.instanceId)
  if (instance.host === null) throw InstanceNotReady({ id: instance.id })
  await startEvent(d.store, d.clock.now(), input, op.event, instance.host)
  if (op.isBoot === true) for (const vif of instance.networkInfo) await d.plugger?.plug(vif.portId)
  const state = await unlessAborted(c.signal, op.ask(hostClient(d, instance.host), instance, input, d, c))
  return { host: instance.host, power: state.power }
}

async function writeOutcome<T extends ServerTask>(
  op: PowerOperation<T>,
  input: T,
  guest: Asked | undefined,
  outcome: Outcome,
  tx: Store,
  { sagaId, nowMs }: SettleContext,
): Promise<void> {
  const id = instanceId(input.instanceId)
  if (outcome.status === 'done' && guest !== undefined) {
    await tx.instances.change(id, { ...op.also, vmState: op.vmState, powerState: guest.power }, nowMs, { sagaId })
    if (op.isBoot === true) await tx.serverShares.changeAllOf(id, 'active', nowMs)
    if (op.vmState === 'stopped') await tx.serverShares.changeAllOf(id, 'inactive', nowMs)
    await finishEvent(tx, nowMs, input, op.event)
    return
  }
  if (outcome.status !== 'undone') return
  const instance = await tx.instances.find(id)
  await finishEvent(tx, nowMs, input, op.event, outcome.failure)
  if (instance === undefined || instance.sagaId !== sagaId) return
  await recordFault(tx, nowMs, input, outcome.failure, instance.host)
  await noteShareFailure(tx, id, outcome.failure, { sagaId, nowMs })
}

export function powerSaga<T extends ServerTask>(name: string, op: PowerOperation<T>) {
  return saga<ConductorDeps, T, Store>(name)
    .step('guest', (s, d, c) => askHost(op, s.input, d, c))
    .settled((s, outcome, tx, at) => writeOutcome(op, s.input, s.guest, outcome, tx, at))
    .telling({ 'before guest': say(op.notices[0]), done: say(op.notices[1]) })
}

export const serverStop = powerSaga<ServerTask>('server-stop', {
  event: 'compute_stop_instance',
  notices: ['instance.power_off.start', 'instance.power_off.end'],
  vmState: 'stopped',
  ask: (host, instance, _input, d, c) =>
    host.stop({ id: instance.id, gracefulMs: gracefulMs(d, instance) }, { key: c.key }),
})

export const serverStart = powerSaga<ServerTask>('server-start', {
  event: 'compute_start_instance',
  notices: ['instance.power_on.start', 'instance.power_on.end'],
  vmState: 'active',
  isBoot: true,
  ask: async (host, instance, _input, d, c) => host.start({ spec: await startSpecOf(d, instance) }, { key: c.key }),
})

export const serverPause = powerSaga<ServerTask>('server-pause', {
  event: 'compute_pause_instance',
  notices: ['instance.pause.start', 'instance.pause.end'],
  vmState: 'paused',
  ask: (host, instance, _input, _d, c) => host.pause({ id: instance.id }, { key: c.key }),
})

export const serverUnpause = powerSaga<ServerTask>('server-unpause', {
  event: 'compute_unpause_instance',
  notices: ['instance.unpause.start', 'instance.unpause.end'],
  vmState: 'active',
  ask: (host, instance, _input, _d, c) => host.unpause({ id: instance.id }, { key: c.key }),
})

export const serverReboot = powerSaga<ServerTask & { readonly kind: 'soft' | 'hard' }>('server-reboot', {
  event: 'compute_reboot_instance',
  notices: ['instance.reboot.start', 'instance.reboot.end'],
  vmState: 'active',
  isBoot: true,
  ask: async (host, instance, input, d, c) => {
    await host.reboot({ spec: await startSpecOf(d, instance), kind: input.kind }, { key: c.key })
    return host.state({ id: instance.id })
  },
}).telling({ undone: say('instance.reboot.error', () => ({}), 'before guest') })
