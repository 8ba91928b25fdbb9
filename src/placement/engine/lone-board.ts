import type { AllocationRequest, Candidates, LoneCandidates, ProviderSummary } from '#cloud'
import type { ProviderNode } from './provider-node.ts'

type Ask = (node: ProviderNode) => AllocationRequest | undefined

/** Who has a request, in order and up to the limit; the same object as long as the same ones have. */
interface Chosen {
  readonly ids: readonly string[]
  readonly places: readonly number[]
}

/**
 * The candidates for one question in a cloud where every tree is one provider. Kept from one request to the next: who
 * changed in between is asked again, nobody else. Every answer has lists of its own and stays as it was.
 */
export class LoneBoard {
  readonly #nodes: readonly ProviderNode[]
  /** Never changes: with a provider more or less there is a new board. */
  readonly #places: ReadonlyMap<string, number>
  readonly #ask: Ask
  readonly #limit: number
  readonly #changed = new Set<ProviderNode>()
  readonly #requests: (AllocationRequest | undefined)[]
  readonly #summaries: ProviderSummary[]
  #chosen: Chosen | undefined

  constructor(nodes: readonly ProviderNode[], ask: Ask, limit: number) {
    this.#nodes = nodes
    this.#places = new Map(nodes.map((node, place) => [node.id, place]))
    this.#ask = ask
    this.#limit = limit
    this.#requests = nodes.map(ask)
    this.#summaries = nodes.map(node => node.summary)
  }

  /** The provider is not what it was. */
  touch(node: ProviderNode): void {
    this.#changed.add(node)
  }

  answer(): Candidates {
    for (const node of this.#changed) this.#askAgain(node)
    this.#changed.clear()
    this.#chosen ??= this.#choose()
    return new Answer(this.#chosen, this.#places, this.#requests.slice(), this.#summaries.slice())
  }

  #askAgain(node: ProviderNode): void {
    const place = this.#places.get(node.id)
    if (place === undefined) return
    const request = this.#ask(node)
    if ((request === undefined) !== (this.#requests[place] === undefined)) this.#chosen = undefined
    this.#requests[place] = request
    this.#summaries[place] = node.summary
  }

  #choose(): Chosen {
    const ids: string[] = []
    const places: number[] = []
    this.#nodes.forEach((node, place) => {
      if (this.#requests[place] === undefined || ids.length >= this.#limit) return
      ids.push(node.id)
      places.push(place)
    })
    return { ids, places }
  }
}

/** As the others see candidates, made when somebody looks; and as the scheduler sees them, which costs nothing to make. */
class Answer implements Candidates, LoneCandidates {
  readonly ids: readonly string[]
  readonly #chosen: Chosen
  readonly #placeOf: ReadonlyMap<string, number>
  readonly #end: number
  readonly #requests: readonly (AllocationRequest | undefined)[]
  readonly #summaries: readonly ProviderSummary[]
  #listed: readonly AllocationRequest[] | undefined
  #summarised: Readonly<Record<string, ProviderSummary>> | undefined

  constructor(
    chosen: Chosen,
    placeOf: ReadonlyMap<string, number>,
    requests: readonly (AllocationRequest | undefined)[],
    summaries: readonly ProviderSummary[],
  ) {
    this.#chosen = chosen
    this.ids = chosen.ids
    this.#placeOf = placeOf
    this.#end = (chosen.places.at(-1) ?? -1) + 1
    this.#requests = requests
    this.#summaries = summaries
  }

  get alone(): LoneCandidates {
    return this
  }

  get requests(): readonly AllocationRequest[] {
    this.#listed ??= this.#chosen.places.flatMap(place => this.#requests[place] ?? [])
    return this.#listed
  }

  get summaries(): Readonly<Record<string, ProviderSummary>> {
    this.#summarised ??= Object.fromEntries(this.ids.map((id, at) => [id, this.summaryAt(at)]))
    return this.#summarised
  }

  request(id: string): AllocationRequest | undefined {
    const place = this.#placeOf.get(id)
    return place === undefined || place >= this.#end ? undefined : this.#requests[place]
  }

  summary(id: string): ProviderSummary | undefined {
    const place = this.#placeOf.get(id)
    return place === undefined || this.request(id) === undefined ? undefined : this.#summaries[place]
  }

  summaryAt(at: number): ProviderSummary {
    const summary = this.#summaries[this.#chosen.places[at] ?? -1]
    if (summary === undefined) throw new Error(`there is no candidate ${at}`)
    return summary
  }
}
