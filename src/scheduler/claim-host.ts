import { type PlacementPort, providerNames } from '#cloud'
import {
  cardProviders,
  deviceChoice,
  grantOf,
  type HostDemand,
  type HostOccupancy,
  isPlain,
  namesNothing,
  portHoldings,
} from '#model'
import type { ClaimWish } from '#store'
import type { LostAnswer } from './placing.ts'
import type { Attempt } from './select.ts'

/** Where CPUs, memory nodes and devices of hosts are claimed; the text says why there was nothing to claim. */
export interface HostClaimer {
  claim(wish: ClaimWish): Promise<string | undefined>
  release(consumerId: string): Promise<void>
}

const refusedBy = (reason: string): LostAnswer => ({ filter: 'HostClaim', reason })

/** The operator has said which CPUs are for guests that pin: those are counted apart, and nobody else's. */
const isSplit = ({ topology }: HostOccupancy): boolean =>
  topology?.cells.some(cell => cell.dedicatedCpus.some(cpu => !cell.sharedCpus.includes(cpu))) === true

/** Claims for one request: what hosts have by name, beside what placement counts. */
export class HostClaims {
  readonly #demand: HostDemand
  readonly #placement: Pick<PlacementPort, 'provider'>
  readonly #claimer: HostClaimer | undefined
  /** Of providers that stand for cards; a decision of many candidates asks for each once. */
  readonly #names = new Map<string, string>()

  constructor(demand: HostDemand, placement: Pick<PlacementPort, 'provider'>, claimer: HostClaimer | undefined) {
    this.#demand = demand
    this.#placement = placement
    this.#claimer = claimer
  }

  #namesFor({ request }: Attempt): Promise<ReadonlyMap<string, string>> {
    return providerNames(this.#placement, cardProviders(this.#demand, request.mappings), this.#names)
  }

  /** What the snapshot shows already needs no claim: the host has not what the request names. */
  async lacking(attempt: Attempt): Promise<LostAnswer | undefined> {
    const { host, request } = attempt
    if (namesNothing(this.#demand)) return undefined
    const holdings = portHoldings(this.#demand, request.mappings)
    if (typeof holdings === 'string') return refusedBy(holdings)
    if (isPlain(this.#demand) || host.occupancy === undefined) return undefined
    const { numa } = this.#demand
    const isOwn = numa?.cpuPolicy === 'dedicated' || numa?.cpuPolicy === 'mixed'
    const amounts = Object.values(request.allocations)
    if (isOwn && isSplit(host.occupancy) && !amounts.some(amount => (amount['PCPU'] ?? 0) > 0))
      return refusedBy('its CPUs for pinned guests are PCPU, of which placement has none left for the request')
    const choice = deviceChoice(this.#demand, host.nodeId, request.mappings, await this.#namesFor(attempt))
    if (typeof choice === 'string') return refusedBy(choice)
    const answer = grantOf(host.occupancy, this.#demand, choice)
    return 'refusal' in answer ? refusedBy(answer.refusal) : undefined
  }

  /** After placement's claim: what the instance gets of the host by name. */
  async claim(attempt: Attempt): Promise<true | LostAnswer> {
    if (this.#claimer === undefined || namesNothing(this.#demand)) return true
    const { instanceId, host, request } = attempt
    const refusal = await this.#claimer.claim({
      consumerId: instanceId,
      instanceId,
      nodeId: host.nodeId,
      demand: this.#demand,
      mappings: request.mappings,
      providerNames: await this.#namesFor(attempt),
      isFinal: false,
    })
    return refusal === undefined ? true : refusedBy(refusal)
  }
}
