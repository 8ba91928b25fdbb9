import { instanceId, newUuid } from '#base'
import type { SagaInputs, SettledMoves } from '#bus'
import type { Migration } from '#model'
import { emptyJournal } from '#saga'
import { turnOf } from '#store'
import { letGo } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { isFenced } from '../instance-ha/fence.ts'
import { isOnAsRecorded, movedSpec } from '../moves.ts'

/**
 * A host is back and has removed guests that live elsewhere now: evacuations from it are complete, and what they held
 * there is free. Of what it has set aside, what no open move from here keeps is over, or is a guest again where the server
 * still belongs here.
 */
export async function settleMoves(
  d: ConductorDeps,
  host: string,
  { aside, left }: { readonly aside: readonly string[]; readonly left: readonly string[] },
): Promise<SettledMoves> {
  for (const move of await d.store.moves.inStatus('done', { sourceHost: host })) {
    // What still runs there still takes its place.
    if (left.includes(move.instanceId)) continue
    await letGo(d, move.uuid)
    await d.store.moves.change(move.uuid, { status: 'completed' }, d.clock.now(), 'done')
    d.log.info({ instance_id: move.instanceId, host }, 'evacuated server has left its old host')
  }
  const mayRun = !(await isFenced(d, host))
  const settled = { over: [] as string[], back: [] as SettledMoves['back'][number][] }
  if (aside.length === 0) return settled
  const open = await d.store.moves.inProgressOn(host)
  const kept = new Set(open.filter(move => move.sourceHost === host).map(move => move.instanceId))
  for (const id of aside.filter(one => !kept.has(one))) {
    const instance = await d.store.instances.find(id)
    const newest = (await d.store.moves.list({ filter: { instanceId: id, sourceHost: host } })).at(-1)
    if (instance?.host !== host || newest?.status === 'confirmed') settled.over.push(id)
    else if (mayRun && instance.taskState === null)
      settled.back.push({ spec: await movedSpec(d, instance), isOn: isOnAsRecorded(instance) })
  }
  return settled
}

/**
 * A target may die in a move, which is then taken back without it: what it has made ready for the guest is litter. Files
 * of servers that Nova never knew are not.
 */
export async function abandonedAt(d: ConductorDeps, host: string, ids: readonly string[]): Promise<readonly string[]> {
  const moving = await d.store.moves.movingAt(host, ids)
  const found: string[] = []
  for (const id of ids.filter(one => !moving.has(one))) {
    const instance = await d.store.instances.find(id, { withDeleted: true })
    if (instance === undefined || instance.taskState !== null) continue
    if (instance.isDeleted || instance.host !== host) found.push(id)
  }
  return found
}

/** Confirms in the user's place: a row, a record and a saga, as the API would write them; undefined when it may not be now. */
async function confirm(d: ConductorDeps, move: Migration): Promise<string | undefined> {
  const nowMs = d.clock.now()
  const [sagaId, requestId] = [newUuid(), `req-${newUuid()}`]
  return d.store.transaction(async tx => {
    await tx.turn(turnOf.server(move.instanceId))
    const instance = await tx.instances.find(move.instanceId)
    if (instance?.vmState !== 'resized' || instance.taskState !== null) return undefined
    // An operator may have reset the state of a server once, and its older resize is none of this one.
    if ((await tx.moves.newest(instance.id, ['finished']))?.uuid !== move.uuid) return undefined
    if (!(await tx.moves.change(move.uuid, { status: 'confirming' }, nowMs, 'finished'))) return undefined
    const { userId, projectId, id } = instance
    await tx.actions.start({ instanceId: id, action: 'confirmResize', requestId, userId, projectId, startAtMs: nowMs })
    const input: SagaInputs['server-confirm-resize'] = { instanceId: id, requestId, migrationId: move.uuid }
    const waitsFor = (await tx.sagas.openOf(instanceId(id))).at(-1) ?? null
    await tx.sagas.add(
      { id: sagaId, name: 'server-confirm-resize', instanceId: id, input, waitsFor },
      emptyJournal(),
      nowMs,
    )
    return sagaId
  })
}

/** Resizes that nobody has confirmed within `resize_confirm_window` are confirmed. Returns the sagas that do it. */
export async function confirmLateResizes(d: ConductorDeps): Promise<readonly string[]> {
  const { resizeConfirmMs } = d.options
  if (resizeConfirmMs <= 0) return []
  const started: string[] = []
  for (const move of await d.store.moves.inStatus('finished', { untilMs: d.clock.now() - resizeConfirmMs })) {
    const sagaId = await confirm(d, move)
    if (sagaId !== undefined) started.push(sagaId)
  }
  return started
}
