import { instanceId, pause } from '#base'
import type { SagaInputs } from '#bus'
import { type Outcome, SagaCancelled, type StepContext, saga } from '#saga'
import type { Store } from '#store'
import { type Landing, LiveMigrationAborted, PostCopyFailed, power } from '#virt'
import { leaveAllocation, letGo, takeAllocation } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { hostClient } from '../hosts.ts'
import {
  asEvent,
  askUnlessDown,
  type Before,
  failEvents,
  movedSpec,
  noteTarget,
  placedInstance,
  stateBefore,
} from '../moves.ts'
import { dropBindings, prepareBindings, switchBindings } from '../moving-ports.ts'
import { connectTarget, disconnectTarget, keepTarget } from '../moving-volumes.ts'
import { isCancel, say } from '../notices.ts'
import { recordFault } from '../records.ts'
import { checkEvents, liveTarget } from './live-target.ts'
import { bringHome, copyMemory, type Passage } from './memory-copy.ts'

type Live = SagaInputs['server-live-migrate']

const scheduleEvent = 'conductor_live_migrate_instance'
const prepareEvent = 'compute_pre_live_migration'
const copyEvent = 'compute_live_migration'
const arriveEvent = 'compute_post_live_migration_at_destination'
const rollbackEvent = 'compute_rollback_live_migration_at_destination'
const events = [scheduleEvent, ...checkEvents, prepareEvent, copyEvent, arriveEvent]

const queueLookMs = 50

/** Waits until this one is among the first of its source: `max_concurrent_live_migrations`. */
async function waitInLine(d: ConductorDeps, input: Live, c: StepContext): Promise<void> {
  await d.store.moves.change(input.migrationId, { status: 'queued' }, d.clock.now())
  const most = d.options.maxLiveMigrations
  for (;;) {
    const move = await d.store.moves.find(input.migrationId)
    if (move === undefined || most === 0 || (await d.store.moves.liveAhead(move)) < most) return
    await pause(queueLookMs, d.clock, c.signal)
  }
}

const passageOf = (s: {
  readonly input: Live
  readonly before: Before
  readonly target: { readonly host: string }
  readonly landing: Landing
}): Passage => ({ input: s.input, source: s.before.host, target: s.target.host, landing: s.landing })

const atSource = ({ before }: { readonly before?: Before }) => ({ host: before?.host ?? null })
const atTarget = ({ target }: { readonly target?: { readonly host: string } }) => ({ host: target?.host ?? null })

function statusOf(outcome: Outcome & { status: 'undone' }, wasPrepared: boolean): string {
  const { code } = outcome.failure
  if (code === SagaCancelled.code || code === LiveMigrationAborted.code) return 'cancelled'
  return wasPrepared ? 'failed' : 'error'
}

/**
 * Move a running guest to another host.
 *
 * Until its memory has been handed over the source owns the guest and every step can be taken back. Once it runs at the
 * target there is nothing to go back to: ports, record and allocation follow it, and what is left at the source is litter
 * that may be cleaned hours later. An abort is the cancel of this saga; whether it came in time, the copy decides.
 */
export const serverLiveMigrate = saga<ConductorDeps, Live, Store>('server-live-migrate')
  .step('before', (s, d) => stateBefore(d, s.input.instanceId))
  .step(
    'allocation',
    (s, d) => leaveAllocation(d, s.input),
    (s, d) => takeAllocation(d, s.input),
  )
  .step(
    'target',
    async (s, d, c) => {
      const instance = await placedInstance(d, s.input.instanceId)
      const target = await asEvent(d, s.input, scheduleEvent, null, () => liveTarget(d, s.input, instance, c))
      await noteTarget(d, s.input.migrationId, target, 'accepted')
      return { host: target.host, node: target.node }
    },
    (s, d) => letGo(d, s.input.instanceId),
  )
  .step('turn', (s, d, c) => waitInLine(d, s.input, c))
  .step(
    'bindings',
    async (s, d) => {
      await d.store.moves.change(s.input.migrationId, { status: 'preparing' }, d.clock.now())
      return prepareBindings(d, await placedInstance(d, s.input.instanceId), s.target.host)
    },
    async (s, d) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance !== undefined) await dropBindings(d, instance, s.target.host)
    },
  )
  .step(
    'volumes',
    (s, d) => connectTarget(d, s.input.instanceId, s.target.host),
    (s, d) => disconnectTarget(d, s.input.instanceId),
  )
  .step(
    'landing',
    async (s, d, c) => {
      const spec = await movedSpec(d, await placedInstance(d, s.input.instanceId), {
        vifs: s.bindings,
        volumes: s.volumes,
      })
      return asEvent(d, s.input, prepareEvent, s.target.host, async () => {
        const needs = await hostClient(d, s.before.host).describeMigration({ id: s.input.instanceId })
        return hostClient(d, s.target.host).prepareIncoming({ spec, needs }, { key: c.key })
      })
    },
    async (s, d, c) => {
      const id = s.input.instanceId
      await asEvent(d, s.input, rollbackEvent, s.target.host, () =>
        askUnlessDown(d, s.target.host, id, () => hostClient(d, s.target.host).discardIncoming({ id }, { key: c.key })),
      )
    },
  )
  .pivot(
    'memory',
    (s, d, c) => {
      const passage = passageOf(s)
      return asEvent(d, s.input, copyEvent, s.before.host, () => copyMemory(d, passage, c))
    },
    (s, d, c) => bringHome(d, passageOf(s), c.key),
  )
  .pivot('handover', async (s, d) => {
    await d.store.moves.change(s.input.migrationId, { status: 'post-migrating' }, d.clock.now())
    await switchBindings(d, await placedInstance(d, s.input.instanceId), s.before.host, s.target.host)
  })
  .pivot('owner', (s, d) =>
    asEvent(d, s.input, arriveEvent, s.target.host, async () => {
      const { host, node } = s.target
      const id = s.input.instanceId
      const seen = await askUnlessDown(d, host, id, () => hostClient(d, host).state({ id }))
      const powerState = seen?.power ?? s.before.powerState
      const change = { host, node, powerState, networkInfo: s.bindings, progress: 100 }
      // Where the guest is, is a fact, whatever has become of the task.
      await d.store.instances.change(instanceId(s.input.instanceId), change, d.clock.now())
    }),
  )
  .step('attachments', (s, d) => keepTarget(d, s.input.instanceId, s.volumes))
  .step('source', async (s, d, c) => {
    const id = s.input.instanceId
    await askUnlessDown(d, s.before.host, id, () => hostClient(d, s.before.host).forgetGuest({ id }, { key: c.key }))
  })
  .step('release', (s, d) => letGo(d, s.input.migrationId))
  .settled(async (s, outcome, tx, { nowMs }) => {
    const { migrationId } = s.input
    if (outcome.status === 'done') {
      await tx.moves.change(migrationId, { status: 'completed' }, nowMs)
      return
    }
    await tx.moves.change(migrationId, { status: statusOf(outcome, s.landing !== undefined) }, nowMs)
    // The guest that runs nowhere any more; whoever starts it again has its disk.
    if (outcome.failure.code === PostCopyFailed.code)
      await tx.instances.change(instanceId(s.input.instanceId), { vmState: 'error', powerState: power.shutdown }, nowMs)
    await failEvents(tx, nowMs, s.input, events, outcome.failure)
    await recordFault(tx, nowMs, s.input, outcome.failure, s.before?.host ?? null)
  })
  .telling({
    'before bindings': say('instance.live_migration_pre.start', atTarget),
    'after landing': say('instance.live_migration_pre.end', atTarget),
    'before handover': say('instance.live_migration_post.start', atSource),
    'before owner': say('instance.live_migration_post_dest.start', atTarget),
    done: [say('instance.live_migration_post_dest.end', atTarget), say('instance.live_migration_post.end', atSource)],
    failed: say('instance.live_migration_rollback.start', atSource, 'before bindings'),
    'taking back landing': say('instance.live_migration_rollback_dest.start', atTarget),
    'taken back landing': say('instance.live_migration_rollback_dest.end', atTarget),
    undone: [
      say('compute_task.migrate_server.error', (s, failure) =>
        s.target === undefined && !isCancel(failure)
          ? { spec: s.input.spec, state: s.before?.vmState ?? null }
          : undefined,
      ),
      say('instance.live_migration_rollback.end', atSource, 'before bindings'),
    ],
  })
