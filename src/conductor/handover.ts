import { isDeepStrictEqual } from 'node:util'
import { declareFault } from '#base'
import { type Selection } from '#model'
import { Abandoned, type Journal, type StepContext } from '#saga'
import { type Cell, CellUnreachable, inReach, mappingOf, type ServerRows, type Store, turnOf } from '#store'
import { severalCells } from './cells.ts'
import type { ConductorCells, ConductorDeps } from './deps.ts'

export const HostMappingNotFound = declareFault(
  'HostMappingNotFound',
  'final',
  (p: { name: string }) => `Host '${p.name}' is not mapped to any cell`,
)

/** How long a saga rests in its new cell for the word that it may begin there; then it looks by itself. */
const holdMs = 60_000

const inOther = <T>(cell: Cell, work: (store: Store) => Promise<T>): Promise<T> =>
  inReach(cell, async () => work(await cell.store()))

/**
 * A new server goes to the cell of its host, and its saga with it.
 *
 * Theory of operation. First a copy of all its rows is written in the other cell, which nobody sees, with the saga as its
 * journal stands, held back. Then, in one transaction here, the copy is brought up to date and shown, the server's mapping is written and its rows
 * and its saga are removed: from now on the other cell answers for it. Then the saga there is let go, and this run is left. In the other cell
 * the step runs again, finds the mapping, and makes the copy the server. A run that dies in between is taken up where the
 * saga is: here until the one transaction, there after it. A delete that comes first cancels the saga here, and is seen by
 * that transaction; then the copy is removed, or removes itself when its saga looks for the mapping.
 */
export async function goToCell(
  d: ConductorDeps,
  c: StepContext,
  instanceId: string,
  selection: Selection | undefined,
): Promise<{ readonly cellUuid: string | null }> {
  if (d.cells === undefined) return { cellUuid: null }
  const cells = await severalCells(d)
  if (cells === undefined && (await d.store.serverCarrier.isHidden(instanceId))) {
    await d.store.sagas.hold(c.sagaId, d.clock.now() + holdMs)
    throw new Abandoned('only a conductor that knows the cells can say whether the server is here')
  }
  if (cells === undefined || selection === undefined) return { cellUuid: null }
  const { own } = cells
  if (!own.isHome) return arrive(d, c, cells, instanceId)
  const target = await cells.directory.ofHost(selection.host)
  if (target === undefined) throw HostMappingNotFound({ name: selection.host })
  if (target.isHome) return { cellUuid: own.uuid }
  await leave(d, c, cells, target, instanceId)
  return { cellUuid: null }
}

/** What was written of it since the copy was made goes with it too; whoever writes from now on finds it gone. */
async function bringUpToDate(tx: Store, target: Cell, id: string, copied: ServerRows): Promise<void> {
  await tx.serverCarrier.keep(id)
  const now = await tx.serverCarrier.read(id)
  if (now === undefined || isDeepStrictEqual(now, copied)) return
  await inOther(target, other =>
    other.transaction(async there => {
      await there.serverCarrier.remove(id)
      await there.serverCarrier.writeHidden(now)
    }),
  )
}

/** Returns only where somebody has cancelled the saga. */
async function leave(d: ConductorDeps, c: StepContext, cells: ConductorCells, target: Cell, id: string): Promise<void> {
  const { store, clock } = d
  const rows = await store.serverCarrier.read(id)
  const saga = await store.sagas.read<Journal>(c.sagaId)
  if (rows === undefined || saga === undefined) throw new Abandoned('the server is in its cell already')
  const instance = await store.instances.get(id)
  await inOther(target, other =>
    other.transaction(async tx => {
      if (!(await tx.serverCarrier.writeHidden(rows))) return
      const now = clock.now()
      await tx.sagas.add({ ...saga, heldUntilMs: now + holdMs }, saga.journal, now)
    }),
  )
  const isGone = await store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    if (!(await tx.sagas.handOver(c.sagaId))) return false
    await bringUpToDate(tx, target, id, rows)
    // Before it is gone here: for a moment it is in both, and never in none.
    await inOther(target, other => other.serverCarrier.show(id))
    await tx.instanceMappings.put(mappingOf(instance, target.uuid))
    await tx.serverCarrier.remove(id)
    return true
  })
  if (!isGone) return
  try {
    await inOther(target, other => other.sagas.release(c.sagaId))
    await cells.wake(target, c.sagaId)
  } catch (error) {
    d.log.warn(
      { instance_id: id, cell: target.uuid, err: error },
      'the cell was not told of a new server; it will look',
    )
  }
  throw new Abandoned(`the server is in cell ${target.name ?? target.uuid} now`)
}

/** In the new cell: the copy is the server, if the mapping says so. */
async function arrive(d: ConductorDeps, c: StepContext, { own, directory }: ConductorCells, id: string) {
  const { store, clock } = d
  const mapped = await store.instanceMappings.cellOf(id)
  if (mapped === own.uuid) {
    await store.serverCarrier.show(id)
    return { cellUuid: own.uuid }
  }
  const home = await (await directory.home()).store()
  // Still being carried: whoever does it says when it is done.
  if (mapped === undefined && (await home.sagas.read(c.sagaId)) !== undefined) {
    await store.sagas.hold(c.sagaId, clock.now() + holdMs)
    throw new Abandoned('the server is not here yet')
  }
  await forgetCopy(store, c.sagaId, id)
  throw new Abandoned('the server did not come')
}

/** Of a server that is mapped to another cell or to none: its saga has not begun here. */
async function forgetCopy(store: Store, sagaId: string, id: string): Promise<void> {
  await store.transaction(async tx => {
    await tx.sagas.handOver(sagaId)
    await tx.serverCarrier.remove(id)
  })
}

/** The server stays: what was copied is nobody's. A cell that cannot be reached finds that out by itself. */
export async function stayInCell(
  d: ConductorDeps,
  c: StepContext,
  instanceId: string,
  selection: Selection | undefined,
): Promise<void> {
  const cells = await severalCells(d)
  if (cells === undefined || selection === undefined || !cells.own.isHome) return
  const target = await cells.directory.ofHost(selection.host)
  if (target === undefined || target.isHome) return
  try {
    await inOther(target, store => forgetCopy(store, c.sagaId, instanceId))
  } catch (error) {
    if (!CellUnreachable.is(error)) throw error
    d.log.warn({ instance_id: instanceId, cell: target.uuid, err: error }, 'the cell keeps a copy until it is back')
  }
}
