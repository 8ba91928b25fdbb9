import { Fault } from '#base'
import { inPath } from '../http/service-client.ts'
import { isRefusal, type PlacementApi, placementCode } from './api.ts'
import { type Allocations, type Claim, type ConsumerState, NoCapacity, PlacementConflict } from './port.ts'

interface WireConsumer {
  readonly allocations: Readonly<Record<string, { readonly resources: Readonly<Record<string, number>> }>>
  readonly project_id?: string
  readonly user_id?: string
  readonly consumer_generation?: number
  readonly consumer_type?: string
}

const allocationsOf = (wire: WireConsumer): Allocations =>
  Object.fromEntries(Object.entries(wire.allocations).map(([id, { resources }]) => [id, resources]))

const wireClaim = (claim: Claim, generation: number | null) => ({
  allocations: Object.fromEntries(Object.entries(claim.allocations).map(([id, resources]) => [id, { resources }])),
  project_id: claim.projectId,
  user_id: claim.userId,
  consumer_type: claim.consumerType,
  consumer_generation: generation,
})

function isSame(a: Allocations, b: Allocations): boolean {
  const flat = (allocations: Allocations) =>
    Object.entries(allocations)
      .flatMap(([id, resources]) => Object.entries(resources).map(([name, amount]) => `${id} ${name} ${amount}`))
      .sort()
      .join()
  return flat(a) === flat(b)
}

/** Lost races in a row after which the caller should look at the whole again. */
const attempts = 8

/** Who holds what. Claims are conditional on the consumer's generation, so that a repeated one is recognised. */
export class Consumers {
  readonly #api: PlacementApi

  constructor(api: PlacementApi) {
    this.#api = api
  }

  async state(id: string): Promise<ConsumerState> {
    const wire = await this.#api.get<WireConsumer>(this.#path(id))
    const type = wire.consumer_type ?? null
    return {
      allocations: allocationsOf(wire),
      projectId: wire.project_id ?? null,
      userId: wire.user_id ?? null,
      consumerType: type === 'unknown' ? null : type,
      generation: wire.consumer_generation ?? null,
    }
  }

  async claim(claim: Claim): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const json = wireClaim(claim, null)
        await this.#api.call({ method: 'PUT', path: this.#path(claim.consumerId), json })
        return
      } catch (error) {
        if (!isRefusal(error, 409)) throw error
        if (error.code !== placementCode.stale) throw NoCapacity({ reason: error.message }, { cause: error })
        // Either the consumer exists already, or a provider moved under Placement's own retries.
        const { generation, allocations } = await this.state(claim.consumerId)
        if (generation !== null && isSame(allocations, claim.allocations)) return
        if (generation !== null) {
          const reason = `Consumer ${claim.consumerId} already holds other allocations.`
          throw PlacementConflict({ reason }, { cause: error })
        }
        if (attempt >= attempts) throw PlacementConflict({ reason: error.message }, { cause: error })
      }
    }
  }

  async reallocate(changes: readonly Claim[]): Promise<void> {
    if (changes.length === 0) return
    for (let attempt = 1; ; attempt++) {
      const bodies = await Promise.all(
        changes.map(async change => {
          const { generation } = await this.state(change.consumerId)
          return [change.consumerId, wireClaim(change, generation)] as const
        }),
      )
      try {
        // The generations make a repeat harmless: it is refused, and then nothing is left to do.
        await this.#api.call({ method: 'POST', path: '/allocations', json: Object.fromEntries(bodies) })
        return
      } catch (error) {
        if (!isRefusal(error, 409)) throw error
        if (error.code !== placementCode.stale) throw NoCapacity({ reason: error.message }, { cause: error })
        if (attempt >= attempts) throw PlacementConflict({ reason: error.message }, { cause: error })
      }
    }
  }

  async release(id: string): Promise<void> {
    try {
      await this.#api.call({ method: 'DELETE', path: this.#path(id) })
    } catch (error) {
      if (!(error instanceof Fault && error.status === 404)) throw error
    }
  }

  #path(id: string): string {
    return `/allocations/${inPath(id)}`
  }
}
