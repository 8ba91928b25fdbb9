import type { Flavor, Migration, Selection, Vif } from '#model'
import { inReach } from '#store'
import { severalCells } from './cells.ts'
import type { ConductorDeps } from './deps.ts'

/**
 * What a conductor of the host's cell works with: its rows, its bus. The same as before where the host is in this cell, or
 * there is only one. Records of the server itself stay those of its own cell.
 */
export async function atHost(d: ConductorDeps, host: string): Promise<ConductorDeps> {
  const cells = await severalCells(d)
  if (cells === undefined) return d
  const cell = await cells.directory.ofHost(host)
  return cell === undefined || cell.uuid === cells.own.uuid ? d : inReach(cell, () => cells.depsIn(cell))
}

/** Whether a move to that host would leave the cell. */
export const isElsewhere = async (d: ConductorDeps, host: string): Promise<boolean> => (await atHost(d, host)) !== d

/** What changes of a server that comes to another cell. */
export interface Arrival {
  readonly host: string
  readonly node: string | null
  readonly vmState: string
  readonly powerState: number
  readonly flavor: Flavor
  readonly networkInfo: readonly Vif[]
  readonly systemMetadata: Readonly<Record<string, string>>
}

/**
 * The server lives in that host's cell from now on, as `arrival` says; here nobody sees it any more, and its rows stay for as
 * long as it may come back. May be done again after an interruption at any line: first it is there, then it is mapped to there,
 * then it is hidden here, so that it is never nowhere.
 */
export async function changeCell(d: ConductorDeps, id: string, move: Migration, arrival: Arrival): Promise<void> {
  const there = await atHost(d, arrival.host)
  const { cells } = there
  if (there === d || cells === undefined) throw new Error(`host ${arrival.host} is in no other cell`)
  const rows = await d.store.serverCarrier.read(id)
  const mapping = await d.store.instanceMappings.find(id)
  if (rows !== undefined && mapping !== undefined) {
    const now = d.clock.now()
    await there.store.transaction(async tx => {
      await tx.serverCarrier.remove(id)
      await tx.serverCarrier.writeHidden(rows)
      await tx.serverCarrier.show(id)
      const idle = { taskState: null, sagaId: null, progress: 0 }
      await tx.instances.change(rows.id, { ...(arrival as object), ...idle }, now)
      if ((await tx.moves.find(move.uuid)) === undefined) await tx.moves.add({ ...move, isCrossCell: true })
      const { status, destHost, destNode, destIp, pending } = move
      await tx.moves.change(move.uuid, { status, destHost, destNode, destIp, pending }, now)
    })
    await d.store.instanceMappings.put({ ...mapping, cellUuid: cells.own.uuid })
  }
  await d.store.serverCarrier.hide(id)
}

/** A move that failed before the server had changed its cell: what was written there is nobody's. */
export async function stayHere(d: ConductorDeps, id: string, { host }: Selection): Promise<void> {
  const there = await atHost(d, host)
  if (there === d || (await d.store.instanceMappings.cellOf(id)) !== d.cells?.own.uuid) return
  await there.store.transaction(tx => tx.serverCarrier.remove(id))
}
