import type { CellWish } from '#bus'
import type { CellRefusal } from '../faults.ts'
import type { CellCandidate, CellChoice, CellFilter, CellRequest, CellVerdict, CellWeigher } from './candidate.ts'

/** Between 0 and 1 from the least to the greatest; all alike: 0. */
function normalised(scores: readonly number[]): readonly number[] {
  const [least, greatest] = [Math.min(...scores), Math.max(...scores)]
  const range = greatest - least
  return scores.map(score => (range === 0 ? 0 : (score - least) / range))
}

/** Best first; of equal ones those that stood first. */
export function byWeight(
  cells: readonly CellCandidate[],
  weighers: readonly CellWeigher[],
  wish: CellWish,
): readonly CellCandidate[] {
  const weights = cells.map(() => 0)
  for (const weigher of weighers) {
    const scores = normalised(cells.map(cell => weigher.score(cell, wish)))
    for (const [place, score] of scores.entries()) weights[place] = (weights[place] ?? 0) + weigher.multiplier * score
  }
  const places = cells.map((_, place) => place).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b)
  return places.flatMap(place => cells[place] ?? [])
}

/** Nova asks for nothing but this of a cell, unless a hint leads there: how much room is weighed, not filtered. */
const knowsRoom = (cell: CellCandidate): CellVerdict =>
  cell.capacities !== null || 'it has not told yet what it has room for'

/** Pure: by nothing but its arguments. */
export function chooseCells(
  candidates: readonly CellCandidate[],
  filters: readonly CellFilter[],
  weighers: readonly CellWeigher[],
  request: CellRequest,
): CellChoice {
  const { wish } = request
  const isAimed = wish.hints['target_cell'] !== undefined && request.may('TargetCellFilter')
  const checks = filters.flatMap(filter => {
    const check = filter.prepare(request)
    return check === null ? [] : [{ name: filter.name, check }]
  })
  if (!isAimed) checks.unshift({ name: 'Capacities', check: knowsRoom })
  const refusals: CellRefusal[] = []
  const passing = candidates.filter(cell => {
    for (const { name, check } of checks) {
      const verdict = check(cell)
      if (verdict === true) continue
      refusals.push({ cell: cell.path, filter: name, reason: verdict })
      return false
    }
    return true
  })
  return { cells: byWeight(passing, weighers, wish), refusals }
}
