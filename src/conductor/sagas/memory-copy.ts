import { faultFromRecord, instanceId, pause } from '#base'
import type { SagaInputs, Sending } from '#bus'
import { type CopyProgress, HostUnavailable, postCopyStatus } from '#model'
import type { StepContext } from '#saga'
import { type Landing, LiveMigrationAborted } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp } from '../hosts.ts'
import { askUnlessDown, movedSpec } from '../moves.ts'
import { activateBindings, returnBindings } from '../moving-ports.ts'

/** Between two looks at the copy; its counters are shown to people. */
const lookMs = 20
/** While the source does not answer: it comes back in seconds, not sooner. */
const awayLookMs = 500

/** One guest on its way. */
export interface Passage {
  readonly input: SagaInputs['server-live-migrate']
  readonly source: string
  readonly target: string
  readonly landing: Landing
}

/** Whether the guest runs at the target, which then owns it. */
async function hasArrived(d: ConductorDeps, { input, target }: Passage): Promise<boolean> {
  const state = await hostClient(d, target).state({ id: input.instanceId })
  return state.exists && state.isIncoming !== true
}

const percentOf = ({ memoryTotal, memoryRemaining, diskTotal, diskRemaining }: CopyProgress): number => {
  const total = memoryTotal + diskTotal
  return total === 0 ? 0 : Math.round(100 - ((memoryRemaining + diskRemaining) * 100) / total)
}

async function note(d: ConductorDeps, { input }: Passage, progress: CopyProgress, c: StepContext): Promise<void> {
  await d.store.moves.change(input.migrationId, { progress }, d.clock.now())
  const percent = percentOf(progress)
  await d.store.instances.change(instanceId(input.instanceId), { progress: percent }, d.clock.now(), {
    sagaId: c.sagaId,
  })
}

/** From now on its users find the guest at the target. That the source is not bound any more can wait until it is over. */
async function goAhead(d: ConductorDeps, { input, target }: Passage): Promise<void> {
  await d.store.moves.change(input.migrationId, { status: postCopyStatus }, d.clock.now(), 'running')
  const instance = await d.store.instances.get(instanceId(input.instanceId))
  // The handover does it again.
  await activateBindings(d, instance, target).catch(error =>
    d.log.warn({ instance_id: instance.id, host: target, err: error }, 'the ports do not follow the guest yet'),
  )
}

/** How the copy stands; undefined when nobody can tell now. Throws when it is known to have failed. */
async function look(d: ConductorDeps, passage: Passage, key: string): Promise<Sending | 'arrived' | undefined> {
  const { input, source, target } = passage
  const id = input.instanceId
  try {
    const sending = await hostClient(d, source).sending({ id, key })
    if (sending.phase === 'copying') return sending
    if (await hasArrived(d, passage)) return 'arrived'
    if (sending.phase !== 'none') return sending
    // A new process of the source knows nothing of the copy that the one before began.
    await hostClient(d, source).sendGuest({ id, key, landing: passage.landing, withDisks: input.withDisks ?? true })
    return undefined
  } catch (error) {
    d.log.warn({ instance_id: id, host: source, err: error }, 'the copy cannot be looked at now')
    if (await isHostUp(d, source)) return undefined
    // The source is gone. Who owns the guest only the target can say; while it is silent, nobody guesses.
    const isThere = await hasArrived(d, passage).catch(() => undefined)
    if (isThere === undefined && (await isHostUp(d, target))) return undefined
    if (isThere === true) return 'arrived'
    throw HostUnavailable({ host: source })
  }
}

/**
 * Copies the memory, and returns when the guest runs at the target. Throws only when it is known that it does not: a
 * failed or aborted copy leaves it at the source.
 */
export async function copyMemory(d: ConductorDeps, passage: Passage, c: StepContext): Promise<void> {
  const { input, source, landing } = passage
  const id = input.instanceId
  const { key } = c
  await d.store.moves.change(input.migrationId, { status: 'running' }, d.clock.now())
  await hostClient(d, source).sendGuest({ id, key, landing, withDisks: input.withDisks ?? true })
  let isAhead = false
  for (;;) {
    const seen = await look(d, passage, key)
    if (seen === 'arrived') return
    if (seen !== undefined) {
      if (seen.progress !== null) await note(d, passage, seen.progress, c)
      if (seen.phase !== 'copying') throw seen.failure === null ? LiveMigrationAborted({ id }) : ended(seen.failure, id)
      if (seen.isPostCopy === true && !isAhead) {
        isAhead = true
        await goAhead(d, passage)
      }
      if (await d.store.sagas.isCancelled(c.sagaId)) {
        await hostClient(d, source).abortSending({ id, key })
        continue
      }
    }
    await pause(seen === undefined ? awayLookMs : lookMs, d.clock, c.signal).catch(async error => {
      // Either somebody wants it aborted, which the next look does, or the process stops.
      if (!(await d.store.sagas.isCancelled(c.sagaId))) throw error
      await pause(lookMs, d.clock)
    })
  }
}

/**
 * The copy shall not have happened: one under way is stopped, and a guest that has arrived all the same is sent back, for
 * its ports and its record are still at the source.
 */
export async function bringHome(d: ConductorDeps, passage: Passage, key: string): Promise<void> {
  const { input, source, target } = passage
  const id = input.instanceId
  await askUnlessDown(d, source, id, () => hostClient(d, source).abortSending({ id, key }))
  const isThere = await hasArrived(d, passage).catch(async error => {
    if (await isHostUp(d, target)) throw error
    return false
  })
  const move = await d.store.moves.find(input.migrationId)
  if (!isThere) {
    if (move?.status === postCopyStatus) await returnBindings(d, await d.store.instances.get(id), source)
    return
  }
  const spec = await movedSpec(d, await d.store.instances.get(id), { atSourceOf: input.migrationId })
  const needs = await hostClient(d, target).describeMigration({ id })
  const landing = await hostClient(d, source).prepareIncoming({ spec, needs }, { key })
  const back = { id, key: `${key}/back` }
  await hostClient(d, target).sendGuest({ ...back, landing, withDisks: input.withDisks ?? true })
  for (;;) {
    const { phase, failure } = await hostClient(d, target).sending(back)
    if (phase === 'failed' && failure !== null) throw faultFromRecord(failure)
    if (phase !== 'copying') break
    await pause(lookMs, d.clock)
  }
  await hostClient(d, target).forgetGuest({ id }, { key })
}

/** The copy is over; whatever it was, to try the same copy again would find the same end. */
function ended(failure: NonNullable<Sending['failure']>, id: string): Error {
  return failure.code === LiveMigrationAborted.code
    ? LiveMigrationAborted({ id })
    : faultFromRecord({ ...failure, kind: 'final' })
}
