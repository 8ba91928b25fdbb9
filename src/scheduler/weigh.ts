import { aggregateNumber, multipliersOf } from './aggregate-metadata.ts'
import type { PlacedRequest } from './filters/index.ts'
import type { SchedulerHost } from './host-source.ts'
import type { HostScore, HostWeigher } from './weighers/index.ts'

/** One weigher's share in the weights: multiplied scores, in the order of the hosts. */
export interface WeightPart {
  readonly weigher: string
  readonly scores: Float64Array
}

export interface Weights {
  readonly totals: Float64Array
  readonly parts: readonly WeightPart[]
}

/** Weighs hosts against each other. A single host is not weighed: there is nothing to compare it with. */
export function weigh(
  hosts: readonly SchedulerHost[],
  weighers: readonly HostWeigher[],
  request: PlacedRequest,
): Weights {
  const totals = new Float64Array(hosts.length)
  const parts: WeightPart[] = []
  if (hosts.length < 2) return { totals, parts }
  const multipliers = readMultipliers(hosts)
  for (const weigher of weighers) {
    const multiply = multipliers(weigher, weigher.multiplier(request.options))
    const score = multiply === null ? null : weigher.prepare(request)
    if (multiply === null || score === null) continue
    const scores = normalised(hosts, score, weigher.minimum)
    if (scores === null) continue
    for (let place = 0; place < hosts.length; place++) {
      const weight = (weigher.sign ?? 1) * multiply(place) * (scores[place] ?? 0)
      scores[place] = weight
      totals[place] = (totals[place] ?? 0) + weight
    }
    parts.push({ weigher: weigher.name, scores })
  }
  return { totals, parts }
}

/** Scores brought to 0…1 between the least (or the fixed minimum) and the greatest; null if all are equal. */
function normalised(
  hosts: readonly SchedulerHost[],
  score: HostScore,
  minimum: number | undefined,
): Float64Array | null {
  const scores = new Float64Array(hosts.length)
  let least = Number.POSITIVE_INFINITY
  let greatest = Number.NEGATIVE_INFINITY
  for (let place = 0; place < hosts.length; place++) {
    const host = hosts[place]
    if (host === undefined) continue
    let value = score(host)
    if (minimum !== undefined && value < minimum) value = minimum
    scores[place] = value
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  if (minimum !== undefined) least = minimum
  const range = greatest - least
  if (range === 0) return null
  for (let place = 0; place < scores.length; place++) scores[place] = ((scores[place] ?? 0) - least) / range
  return scores
}

/** Gives the multiplier per host and weigher; null where it is 0 for all hosts. */
function readMultipliers(hosts: readonly SchedulerHost[]) {
  const special = new Set<number>()
  for (let place = 0; place < hosts.length; place++) {
    if (multipliersOf(hosts[place]?.aggregates ?? []).size > 0) special.add(place)
  }
  return (weigher: HostWeigher, option: number): ((place: number) => number) | null => {
    if (special.size === 0) return option === 0 ? null : () => option
    return place =>
      special.has(place) ? aggregateNumber(hosts[place]?.aggregates ?? [], weigher.multiplierName, option) : option
  }
}
