import { type Clock, every, type Log } from '#base'
import type { Cell, CellDirectory } from '#store'

/** Between two looks for cells that are new, gone, or back. */
const lookMs = 10_000

type Stop = () => unknown

/**
 * Runs something for each cell of a cloud: for those that are there now before it returns, for others when they come, until
 * they go. A cell for which it cannot begin is tried again, but for the process's own: without that there is nothing to
 * serve, and who has started it is told why. `start` returns what ends it, or nothing where there is nothing to do.
 * Returns what ends all.
 */
export async function inEachCell(
  { clock, log, directory }: { readonly clock: Clock; readonly log: Log; readonly directory: CellDirectory },
  start: (cell: Cell) => Promise<Stop | undefined>,
): Promise<() => Promise<void>> {
  const running = new Map<string, Stop | undefined>()
  const end = async (uuid: string) => {
    const stop = running.get(uuid)
    running.delete(uuid)
    await stop?.()
  }
  const look = async () => {
    const cells = await directory.list()
    for (const cell of cells) {
      if (running.has(cell.uuid)) continue
      try {
        running.set(cell.uuid, await start(cell))
      } catch (error) {
        if (cell.isOwn) throw error
        log.error({ cell: cell.uuid, cell_name: cell.name, err: error }, 'a cell cannot be served; it is tried again')
      }
    }
    const known = new Set(cells.map(cell => cell.uuid))
    for (const uuid of running.keys()) if (!known.has(uuid)) await end(uuid)
  }
  await look()
  const stopLooking = every(clock, lookMs, look, error => log.error({ err: error }, 'looking for cells failed'))
  return async () => {
    stopLooking()
    await Promise.all([...running.keys()].map(end))
  }
}
