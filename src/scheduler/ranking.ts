import { bestFirst } from './best-first.ts'
import type { SchedulerHost } from './host-source.ts'
import type { FilterSchedulerSection } from './options.ts'
import type { Weights } from './weigh.ts'

export interface RankedHost {
  readonly host: SchedulerHost
  readonly weight: number
  /** The weighers' shares, those that are not 0. */
  readonly parts: Readonly<Record<string, number>>
}

export type RankingOptions = Pick<FilterSchedulerSection, 'host_subset_size' | 'shuffle_best_same_weighed_hosts'>

/** Hosts in the order in which they shall be tried; found lazily, for mostly the first one is taken. */
export class Ranking {
  readonly #hosts: readonly SchedulerHost[]
  readonly #weights: Weights
  readonly #rest: Generator<number, void>
  readonly #order: number[]

  constructor(hosts: readonly SchedulerHost[], weights: Weights, options: RankingOptions, random: () => number) {
    this.#hosts = hosts
    this.#weights = weights
    this.#rest = bestFirst(weights.totals)
    this.#order = this.#front(options, random)
  }

  get count(): number {
    return this.#hosts.length
  }

  /** The host to try after `place` others. */
  at(place: number): RankedHost | undefined {
    while (this.#order.length <= place) {
      const next = this.#rest.next()
      if (next.done) return undefined
      this.#order.push(next.value)
    }
    const index = this.#order[place] ?? 0
    const host = this.#hosts[index]
    if (host === undefined) return undefined
    return { host, weight: this.#weights.totals[index] ?? 0, parts: this.#partsOf(index) }
  }

  #partsOf(index: number): Record<string, number> {
    const parts: Record<string, number> = {}
    for (const { weigher, scores } of this.#weights.parts) {
      const score = scores[index] ?? 0
      if (score !== 0) parts[weigher] = score
    }
    return parts
  }

  /** The best ones, mixed as the options say, the chosen one in front. */
  #front(options: RankingOptions, random: () => number): number[] {
    const first = this.#rest.next()
    if (first.done) return []
    const front = [first.value]
    const best = this.#weights.totals[first.value]
    const subset = Math.max(1, Math.min(options.host_subset_size, this.#hosts.length))
    if (options.shuffle_best_same_weighed_hosts) {
      let next = this.#rest.next()
      while (!next.done && this.#weights.totals[next.value] === best) {
        front.push(next.value)
        next = this.#rest.next()
      }
      shuffle(front, random)
      if (!next.done) front.push(next.value)
    }
    while (front.length < subset) {
      const next = this.#rest.next()
      if (next.done) break
      front.push(next.value)
    }
    if (subset > 1) {
      const [chosen = 0] = front.splice(Math.floor(random() * subset), 1)
      front.unshift(chosen)
    }
    return front
  }
}

function shuffle(places: number[], random: () => number): void {
  for (let last = places.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const moved = places[last] ?? 0
    places[last] = places[other] ?? 0
    places[other] = moved
  }
}
