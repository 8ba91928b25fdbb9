import { instanceId, newUuid } from '#base'
import type { SagaInputs } from '#bus'
import { portsNow } from '#cloud'
import { type Instance, lifecycle, type Migration, migrationBegun, refusal, specForMove } from '#model'
import { emptyJournal } from '#saga'
import { type Service, turnOf } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { isOnAsRecorded } from '../moves.ts'
import { noticesOf } from '../notices.ts'
import { isCertain } from './fence.ts'

/** Failed evacuations are tried again ever more rarely, down to once in this time. */
const longestPauseMs = 3_600_000

const failed: readonly string[] = ['failed', 'error']

/** Sagas that have begun, and those that were asked to end for them. */
export interface Begun {
  readonly begun: readonly string[]
  readonly ended: readonly string[]
}

/** Whether evacuate is for such a server at all; the same rule as for a user's request. */
export const mayEvacuate = (instance: Instance): boolean =>
  instance.taskState !== 'deleting' &&
  refusal(
    'evacuate',
    {
      vmState: instance.vmState,
      taskState: instance.taskState,
      hasLaunched: instance.launchedAtMs !== null,
      isLocked: false,
      hasHost: instance.host !== null,
    },
    true,
  ) === undefined

/** An earlier attempt goes on, or has failed too lately. */
export function mustWait(evacuations: readonly Migration[], nowMs: number, retryMs: number): boolean {
  const newest = evacuations.at(-1)
  if (newest === undefined) return false
  if (!failed.includes(newest.status)) return newest.status !== 'completed' && newest.status !== 'done'
  const tries = evacuations.filter(({ status }) => failed.includes(status)).length
  const pauseMs = Math.min(longestPauseMs, retryMs * 2 ** (tries - 1))
  return nowMs < (newest.updatedAtMs ?? newest.createdAtMs) + pauseMs
}

async function attempts({ store }: ConductorDeps, { id }: Instance, sinceMs: number): Promise<readonly Migration[]> {
  const moves = await store.moves.list({ filter: { instanceId: id, type: 'evacuation' } })
  return moves.filter(({ createdAtMs }) => createdAtMs >= sinceMs)
}

/**
 * Accepts the evacuation of one server as the API would, in nobody's name but the owner's. All of it only if the fence
 * still holds, looked at in the same transaction.
 */
async function accept(d: ConductorDeps, host: string, instance: Instance): Promise<Begun> {
  const notices = noticesOf(d)
  const nowMs = d.clock.now()
  const { id, userId, projectId } = instance
  const spec = specForMove(instance, await d.store.requestSpecs.find(id), await portsNow(d, instance))
  const [sagaId, migrationId, requestId] = [newUuid(), newUuid(), `req-${newUuid()}`]
  return d.store.transaction(async tx => {
    const nothing = { begun: [], ended: [] }
    await tx.turn(turnOf.server(id))
    const service = await tx.services.find(host, 'nova-compute')
    if (service === undefined || !isCertain(service)) return nothing
    if (await tx.serverShares.has(id)) return nothing
    const { vmState, taskState } = instance
    const task = { taskState: lifecycle.evacuate.doing, sagaId } as const
    if (!(await tx.instances.change(instanceId(id), task, nowMs, { vmState, taskState, host }))) return nothing
    const asker = { userId, projectId }
    await tx.moves.add(
      migrationBegun(instance, { uuid: migrationId, type: 'evacuation', status: 'accepted', asker, nowMs }),
    )
    await tx.launchSecrets.forget(id)
    if (instance.hasConfigDrive) await tx.launchSecrets.keep(id, { adminPassword: '', files: [] })
    await tx.actions.start({ instanceId: id, action: 'evacuate', requestId, userId, projectId, startAtMs: nowMs })
    const ended = await tx.sagas.openOf(id)
    for (const other of ended) await tx.sagas.cancel(other)
    const input: SagaInputs['server-evacuate'] = {
      instanceId: id,
      requestId,
      migrationId,
      spec: { ...spec, ignoreHosts: [host] },
      forcedHost: null,
      staysOff: false,
      isOff: !isOnAsRecorded(instance),
    }
    const waitsFor = ended.at(-1) ?? null
    await tx.sagas.add({ id: sagaId, name: 'server-evacuate', instanceId: id, input, waitsFor }, emptyJournal(), nowMs)
    await notices.tell(tx, 'instance.evacuate', { instance: id })
    return { begun: [sagaId], ended }
  })
}

export interface Evacuated extends Begun {
  /** Servers that are on the host still: on their way, not placed yet, or of a kind that is not evacuated. */
  readonly left: number
}

/** Begins the evacuation of servers of a fenced host, at most `most` of them. */
export async function evacuateFrom(d: ConductorDeps, service: Service, most: number): Promise<Evacuated> {
  const { host, fence } = service
  const retryMs = d.options.instanceHa?.retryMs ?? longestPauseMs
  const all = await d.store.instances.onHost(host)
  const begun: string[] = []
  const ended: string[] = []
  for (const instance of all) {
    if (begun.length >= most) break
    if (!mayEvacuate(instance)) continue
    if (mustWait(await attempts(d, instance, fence?.atMs ?? 0), d.clock.now(), retryMs)) continue
    const one = await accept(d, host, instance)
    begun.push(...one.begun)
    ended.push(...one.ended)
    if (one.begun.length > 0) d.log.info({ instance_id: instance.id, host }, 'evacuating the server of a fenced host')
  }
  return { begun, ended, left: all.length }
}
