import { type Clock, Fault, type Log, pause } from '#base'
import type { CellWish } from '#bus'
import { type CellRefusal, NoCellsAvailable } from '../faults.ts'
import { type CellMethods, cellMethod } from '../messages/methods.ts'
import type { CellRouter } from '../messages/router.ts'
import { object, text } from '../messages/schema.ts'
import { wishShape } from '../messages/shapes.ts'
import { pathOf } from '../names.ts'
import type { CellState } from '../state/cell-state.ts'
import type { CellFilter, CellRequest, CellWeigher } from './candidate.ts'
import { chooseCells } from './choose.ts'

/**
 * Which cell at or below the one that is asked a server shall be made in. `path` is that one's from the first cell, and so
 * are all paths of the answer and of the hints.
 */
export const selectCell = cellMethod<{ wish: CellWish; path: string }, { cell: string }>('select_cell', {
  takes: object({ wish: wishShape, path: text }),
  gives: object({ cell: text }),
})

export interface CellSchedulerParts {
  readonly ownName: string
  readonly state: CellState
  readonly router: CellRouter
  readonly filters: readonly CellFilter[]
  readonly weighers: readonly CellWeigher[]
  /** Whether policy of this cell lets the caller use the hints of a filter. */
  readonly may: (wish: CellWish, filter: string) => boolean
  readonly retries: number
  readonly retryDelayMs: number
  /** For one attempt. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
}

/** The rest is for the way back. */
const ownShare = 0.85

/**
 * Chooses one level at a time: this cell ranks itself and its children, and a child that is chosen chooses among its own. A
 * child that finds nothing, or does not answer, is skipped: nothing has been made yet.
 */
export class CellScheduler {
  readonly #p: CellSchedulerParts

  constructor(parts: CellSchedulerParts) {
    this.#p = parts
  }

  addMethods(methods: CellMethods): void {
    methods.add(selectCell, ({ wish, path }, { timeoutMs }) => this.#once(wish, path, timeoutMs))
  }

  /** From here on down; `NoCellsAvailable` with every cell's reasons after the last attempt. */
  async select(wish: CellWish): Promise<{ cell: string }> {
    const { retries, retryDelayMs, timeoutMs, clock, ownName } = this.#p
    for (let left = retries; ; left--) {
      try {
        return await this.#once(wish, ownName, timeoutMs)
      } catch (error) {
        if (!NoCellsAvailable.is(error) || left === 0) throw error
        await pause(retryDelayMs, clock)
      }
    }
  }

  async #once(wish: CellWish, path: string, timeoutMs: number): Promise<{ cell: string }> {
    const { state, filters, weighers, router, ownName, log, may, clock } = this.#p
    const untilMs = clock.now() + timeoutMs * ownShare
    const request: CellRequest = { wish, may: filter => may(wish, filter) }
    const { cells, refusals } = chooseCells(await state.candidates(path), filters, weighers, request)
    const told = [...refusals]
    for (const [place, cell] of cells.entries()) {
      if (cell.isOwn) return { cell: path }
      const away = router.whyAway(cell.name)
      if (away !== undefined) {
        told.push(...refusalsOf(cell.path, away))
        continue
      }
      // A child that does not answer leaves time for the others.
      const share = (untilMs - clock.now()) / (cells.length - place)
      const options = { requestId: wish.requestId, timeoutMs: Math.max(0, share) }
      try {
        return await router.call(pathOf(ownName, cell.name), selectCell, { wish, path: cell.path }, options)
      } catch (error) {
        log.info({ cell: cell.path, request_id: wish.requestId, err: error }, 'a cell that was chosen takes no server')
        told.push(...refusalsOf(cell.path, error))
      }
    }
    throw NoCellsAvailable({ refusals: told })
  }
}

/** Those that the child tells of itself and of the cells below it. */
function refusalsOf(cell: string, error: unknown): readonly CellRefusal[] {
  if (!(error instanceof Fault)) throw error
  const below = error.params['refusals']
  if (NoCellsAvailable.is(error) && Array.isArray(below) && below.length > 0) return below as readonly CellRefusal[]
  return [{ cell, filter: error.code, reason: error.message }]
}
