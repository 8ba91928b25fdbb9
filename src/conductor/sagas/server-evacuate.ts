import { instanceId } from '#base'
import type { SagaInputs } from '#bus'
import { ComputeHostNotFound, type Selection } from '#model'
import { type StepContext, saga } from '#saga'
import type { Store } from '#store'
import { claimLike, leaveAllocation, letGo, takeAllocation, takeSeat } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { hostClient } from '../hosts.ts'
import {
  asEvent,
  askUnlessDown,
  type Before,
  changeOwned,
  failEvents,
  movedSpec,
  noteTarget,
  placedInstance,
  scheduleMove,
  stateBefore,
} from '../moves.ts'
import { moveBindings } from '../moving-ports.ts'
import { connectTarget, disconnectTarget, keepTarget } from '../moving-volumes.ts'
import { isCancel, say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { withDrive } from './instance-build.ts'

type Evacuation = SagaInputs['server-evacuate']

const scheduleEvent = 'rebuild_server'
const rebuildEvent = 'compute_rebuild_instance'

async function chooseTarget(
  d: ConductorDeps,
  input: Evacuation,
  c: StepContext,
): Promise<Pick<Selection, 'host' | 'node' | 'nodeId'>> {
  const { forcedHost: host } = input
  if (host === null) {
    const [selection] = await scheduleMove(d, input, input.spec, c)
    if (selection === undefined) throw new Error('the scheduler answered without a host')
    await takeSeat(d, input.instanceId, input.spec, selection)
    return selection
  }
  const instance = await placedInstance(d, input.instanceId)
  await letGo(d, instance.id)
  const [source, target] = [
    await d.store.computeNodes.find({ host: instance.host }),
    await d.store.computeNodes.find({ host }),
  ]
  if (target === undefined) throw ComputeHostNotFound({ host })
  if (source !== undefined) await claimLike(d, instance, input.migrationId, source.uuid, { host, nodeId: target.uuid })
  await takeSeat(d, instance.id, input.spec, { nodeId: target.uuid })
  return { host, node: target.description.hypervisorHostname, nodeId: target.uuid }
}

/** Nova's rule: what was off stays off, and from 2.95 on everything does, but servers in error are brought back to run. */
const staysOff = ({ input, before }: { readonly input: Evacuation; readonly before: Before }): boolean =>
  input.isOff ?? (before.vmState === 'stopped' || (input.staysOff && before.vmState !== 'error'))

const atTarget = ({ target }: { readonly target?: { readonly host: string } }) => ({ host: target?.host ?? null })

/**
 * Rebuild a server of a dead host on another one, from its image. The dead host's guest is removed by its nova-compute
 * when it is back; until then the migration's record holds the allocation there.
 */
export const serverEvacuate = saga<ConductorDeps, Evacuation, Store>('server-evacuate')
  .step('before', (s, d) => stateBefore(d, s.input.instanceId))
  .step(
    'allocation',
    (s, d) => leaveAllocation(d, s.input),
    (s, d) => takeAllocation(d, s.input),
  )
  .step(
    'target',
    async (s, d, c) => {
      const target = await asEvent(d, s.input, scheduleEvent, null, () => chooseTarget(d, s.input, c))
      await noteTarget(d, s.input.migrationId, target, 'pre-migrating')
      return { host: target.host, node: target.node }
    },
    (s, d) => letGo(d, s.input.instanceId),
  )
  .step(
    'ports',
    async (s, d) => {
      await startEvent(d.store, d.clock.now(), s.input, rebuildEvent, s.target.host)
      return moveBindings(d, await placedInstance(d, s.input.instanceId), s.before.host, s.target.host)
    },
    async (s, d) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance === undefined) return
      const networkInfo = await moveBindings(d, instance, s.target.host, s.before.host, s.input.migrationId)
      await d.store.instances.change(instance.id, { networkInfo }, d.clock.now())
    },
  )
  // The dead host's attachments stay until the guest is elsewhere: it may come back with its guest before that.
  .step(
    'volumes',
    (s, d) => connectTarget(d, s.input.instanceId, s.target.host),
    (s, d) => disconnectTarget(d, s.input.instanceId),
  )
  .step(
    'guest',
    async (s, d, c) => {
      await changeOwned(d, s.input, c, { taskState: 'rebuild_spawning' })
      const instance = await placedInstance(d, s.input.instanceId)
      const spec = await withDrive(d, instance, await movedSpec(d, instance, { vifs: s.ports, volumes: s.volumes }))
      const host = hostClient(d, s.target.host)
      await host.spawn({ spec, isOn: !staysOff(s) }, { key: c.key, requestId: s.input.requestId })
      return host.state({ id: instance.id })
    },
    // On storage that both hosts share the disks are the dead host's again.
    async (s, d, c) => {
      const { instanceId: id } = s.input
      const { host } = s.target
      await askUnlessDown(d, host, id, () => hostClient(d, host).discardMove({ id }, { key: c.key }))
    },
  )
  .pivot('owner', async (s, d, c) => {
    const { host, node } = s.target
    const vmState = staysOff(s) ? 'stopped' : 'active'
    const now = d.clock.now()
    const change = { host, node, launchedOn: host, vmState, powerState: s.guest.power, networkInfo: s.ports } as const
    await changeOwned(d, s.input, c, { ...change, launchedAtMs: now, progress: 100 })
    await d.store.moves.change(s.input.migrationId, { status: 'done' }, now)
    await finishEvent(d.store, now, s.input, rebuildEvent)
  })
  .step('attachments', (s, d) => keepTarget(d, s.input.instanceId, s.volumes))
  .settled(async (s, outcome, tx, { sagaId, nowMs }) => {
    await tx.launchSecrets.forget(s.input.instanceId)
    if (outcome.status === 'done') return
    await tx.moves.change(s.input.migrationId, { status: s.target === undefined ? 'error' : 'failed' }, nowMs)
    const home = s.before === undefined ? {} : { host: s.before.host, node: s.before.node }
    const change = { vmState: 'error', ...home } as const
    await tx.instances.change(instanceId(s.input.instanceId), change, nowMs, { sagaId })
    await failEvents(tx, nowMs, s.input, [scheduleEvent, rebuildEvent], outcome.failure)
    await recordFault(tx, nowMs, s.input, outcome.failure, s.before?.host ?? null)
  })
  .telling({
    'after target': say('instance.rebuild_scheduled', atTarget),
    'before ports': [say('instance.exists', atTarget), say('instance.rebuild.start', atTarget)],
    undone: [
      say('compute_task.rebuild_server.error', (s, failure) =>
        s.target === undefined && !isCancel(failure) ? { spec: s.input.spec, state: 'error' } : undefined,
      ),
      say('instance.rebuild.error', atTarget, 'before ports'),
    ],
    done: say('instance.rebuild.end'),
  })
