import type { AllocationRequest, Candidates, ProviderSummary } from '#cloud'

/**
 * Allocation candidates by compute node, and what this request has taken of them already. Placement answered for one
 * instance; a multi-create asks the same candidates again and again, and must not count on room it has used itself.
 */
export class CandidateIndex {
  /**
   * Nearly every node has one candidate, and a list for each of ten thousand would cost more than the decision. Of candidates
   * that come as `alone` only those that are no longer as they came.
   */
  readonly #byNode = new Map<string, AllocationRequest | AllocationRequest[]>()
  readonly #candidates: Candidates
  readonly #taken = new Map<string, Map<string, number>>()
  #isTouched = false

  constructor(candidates: Candidates) {
    this.#candidates = candidates
    if (candidates.alone === undefined) this.#sort(candidates)
  }

  #sort({ requests, summaries }: Candidates): void {
    for (const request of requests) {
      let named: string | undefined
      let others: Set<string> | undefined
      for (const providerId in request.allocations) {
        const rootId = summaries[providerId]?.rootId ?? providerId
        if (named === undefined && rootId === providerId) {
          named = providerId
          continue
        }
        others ??= new Set()
        others.add(providerId).add(rootId)
      }
      if (named !== undefined) this.#put(named, request)
      for (const nodeId of others ?? []) if (nodeId !== named) this.#put(nodeId, request)
    }
  }

  #put(nodeId: string, request: AllocationRequest): void {
    const known = this.#byNode.get(nodeId)
    if (known === undefined) this.#byNode.set(nodeId, request)
    else if (Array.isArray(known)) known.push(request)
    else this.#byNode.set(nodeId, [known, request])
  }

  /** Every provider that a candidate names, with its root: the compute nodes are among them. */
  get providerIds(): readonly string[] {
    return this.#candidates.alone?.ids ?? [...this.#byNode.keys()]
  }

  /** False as long as every candidate is as placement gave it. */
  get isTouched(): boolean {
    return this.#isTouched
  }

  #of(nodeId: string): readonly AllocationRequest[] {
    const known = this.#byNode.get(nodeId) ?? this.#candidates.alone?.request(nodeId)
    if (known === undefined) return []
    return Array.isArray(known) ? known : [known]
  }

  /** True if the node still has a candidate that fits. */
  fits(nodeId: string): boolean {
    return this.#isTouched ? this.fitting(nodeId).length > 0 : this.#of(nodeId).length > 0
  }

  /** The node's candidates that still fit, in placement's order. */
  fitting(nodeId: string): readonly AllocationRequest[] {
    const requests = this.#of(nodeId)
    return this.#taken.size === 0 ? requests : requests.filter(request => this.#shortage(request) === undefined)
  }

  /** What is missing for the node's first candidate. */
  whyNot(nodeId: string): string {
    const [first] = this.#of(nodeId)
    if (first === undefined) return 'placement has no allocation candidate for it'
    return this.#shortage(first) ?? 'placement refused the claim'
  }

  #summary(providerId: string): ProviderSummary | undefined {
    const { alone } = this.#candidates
    return alone === undefined ? this.#candidates.summaries[providerId] : alone.summary(providerId)
  }

  take(request: AllocationRequest): void {
    this.#isTouched = true
    for (const [providerId, resources] of Object.entries(request.allocations)) {
      const taken = this.#taken.get(providerId) ?? new Map<string, number>()
      this.#taken.set(providerId, taken)
      for (const [name, amount] of Object.entries(resources)) taken.set(name, (taken.get(name) ?? 0) + amount)
    }
  }

  /** Placement refused it: nobody in this request tries it again. */
  drop(request: AllocationRequest): void {
    this.#isTouched = true
    for (const providerId of Object.keys(request.allocations)) {
      for (const nodeId of [providerId, this.#summary(providerId)?.rootId ?? providerId]) {
        this.#byNode.set(
          nodeId,
          this.#of(nodeId).filter(other => other !== request),
        )
      }
    }
  }

  #shortage(request: AllocationRequest): string | undefined {
    for (const providerId in request.allocations) {
      const taken = this.#taken.get(providerId)
      if (taken === undefined) continue
      for (const [name, amount] of Object.entries(request.allocations[providerId] ?? {})) {
        const stock = this.#summary(providerId)?.resources[name]
        const used = taken.get(name) ?? 0
        if (stock === undefined || stock.capacity - stock.used - used >= amount) continue
        const left = stock.capacity - stock.used - used
        return `${name}: ${amount} needed, ${left} left of ${stock.capacity} after ${used} for this request`
      }
    }
    return undefined
  }
}
