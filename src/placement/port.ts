import { isDeepStrictEqual } from 'node:util'
import { Fault } from '#base'
import {
  type Allocations,
  type Claim,
  type ConsumerState,
  NoCapacity,
  PlacementConflict,
  type PlacementPort,
  type Provider,
} from '#cloud'
import { findCandidates, type SearchOptions } from './engine/candidates.ts'
import type { Stock } from './engine/capacity.ts'
import { explainCandidates } from './engine/explain.ts'
import type { Snapshot } from './engine/snapshot.ts'
import { AllocationRefused, ProviderExists, StaleConsumer, StaleProvider } from './faults.ts'
import type { Ledger, Write } from './ledger.ts'
import {
  type ConsumerChange,
  claimForNew,
  releaseAllocations,
  setAllocations,
  storedHoldings,
} from './operations/allocations.ts'
import { checkQuery } from './operations/check-query.ts'
import { providerOf, setInventories } from './operations/inventories.ts'
import { ensureNames } from './operations/names.ts'
import { createProvider, deleteProvider, setAggregates, setTraits, updateProvider } from './operations/providers.ts'
import { readAllocationsOf, readConsumers, type StoredConsumer } from './store/consumers.ts'

const asChange = (claim: Claim): ConsumerChange => ({ ...claim, generation: undefined })

/** The port's callers know two answers: it does not fit, and somebody else was faster. */
function inPortWords(error: unknown): unknown {
  if (AllocationRefused.is(error)) return NoCapacity({ reason: String(error.params['reason']) }, { cause: error })
  if (StaleConsumer.is(error) || StaleProvider.is(error) || ProviderExists.is(error)) {
    return PlacementConflict({ reason: error instanceof Fault ? error.message : '' }, { cause: error })
  }
  return error
}

function allocationsOf(snapshot: Snapshot, consumer: StoredConsumer | undefined): Allocations {
  const allocations: Record<string, Record<string, number>> = {}
  for (const { node, resourceClass, amount } of storedHoldings(snapshot, consumer)) {
    ;(allocations[node.id] ??= {})[resourceClass] = amount
  }
  return allocations
}

function isSame(a: Allocations, b: Allocations): boolean {
  const flat = (allocations: Allocations) =>
    Object.entries(allocations)
      .flatMap(([id, resources]) => Object.entries(resources).map(([name, amount]) => `${id} ${name} ${amount}`))
      .sort()
      .join()
  return flat(a) === flat(b)
}

const isSameSet = (a: readonly string[], b: readonly string[]): boolean => isDeepStrictEqual(new Set(a), new Set(b))

/** An existing consumer may only claim what it already has; whether it is there decides what a refusal means. */
async function claimAgain(write: Write, claim: Claim): Promise<void> {
  const stored = (await readConsumers(write.tx, [claim.consumerId])).get(claim.consumerId)
  if (stored === undefined) {
    await setAllocations(write, [asChange(claim)])
    return
  }
  if (!isSame(allocationsOf(write.snapshot, stored), claim.allocations)) {
    throw PlacementConflict({ reason: `Consumer ${claim.consumerId} already holds other allocations.` })
  }
  write.appliesAs(() => {})
}

const inventoryOf = ({ total, reserved, minUnit, maxUnit, stepSize, allocationRatio }: Stock) => ({
  total,
  reserved,
  minUnit,
  maxUnit,
  stepSize,
  allocationRatio,
})

/** Placement in this process, as the rest of Nova sees it. */
export class InProcessPlacement implements PlacementPort {
  readonly #ledger: Ledger
  readonly #search: SearchOptions

  constructor(ledger: Ledger, search: SearchOptions) {
    this.#ledger = ledger
    this.#search = search
  }

  async #write<T>(work: (write: Write) => Promise<T>): Promise<T> {
    try {
      return await this.#ledger.write(work)
    } catch (error) {
      throw inPortWords(error)
    }
  }

  async providers(): Promise<readonly Provider[]> {
    return Array.from((await this.#ledger.read()).providers, one => one.asProvider)
  }

  async provider(id: string): Promise<Provider | undefined> {
    return (await this.#ledger.read()).provider(id)?.asProvider
  }

  async ensureProvider(provider: { id: string; name: string; parentId?: string }): Promise<Provider> {
    const { id, name } = provider
    const known = (await this.#ledger.read()).provider(id)
    if (known === undefined || known.name !== name) {
      await this.#write(write =>
        write.snapshot.provider(id) === undefined
          ? createProvider(write, provider)
          : updateProvider(write, id, { name }, false),
      )
    }
    return providerOf(await this.#ledger.read(), id).asProvider
  }

  deleteProvider(id: string): Promise<void> {
    return this.#write(write => deleteProvider(write, id))
  }

  async inventories(providerId: string) {
    const { stocks } = providerOf(await this.#ledger.read(), providerId)
    return Object.fromEntries([...stocks].map(([name, stock]) => [name, inventoryOf(stock)]))
  }

  async setInventories(providerId: string, inventories: Parameters<PlacementPort['setInventories']>[1]): Promise<void> {
    // Hosts report what they have again and again; what is already so moves no generation.
    if (isDeepStrictEqual(await this.inventories(providerId), { ...inventories })) return
    const { classes } = await this.#ledger.read()
    const custom = Object.keys(inventories).filter(name => name.startsWith('CUSTOM_') && !classes.has(name))
    if (custom.length > 0) await this.#write(write => ensureNames(write, 'resource_classes', custom))
    await this.#write(write => setInventories(write, providerId, inventories))
  }

  async traits(providerId: string): Promise<readonly string[]> {
    return providerOf(await this.#ledger.read(), providerId).traits.list
  }

  async setTraits(providerId: string, traits: readonly string[]): Promise<void> {
    const snapshot = await this.#ledger.read()
    if (isSameSet(providerOf(snapshot, providerId).traits.list, traits)) return
    const custom = traits.filter(name => name.startsWith('CUSTOM_') && !snapshot.traits.has(name))
    if (custom.length > 0) await this.#write(write => ensureNames(write, 'traits', custom))
    await this.#write(write => setTraits(write, providerId, traits))
  }

  async aggregates(providerId: string): Promise<readonly string[]> {
    return (await this.#ledger.read()).provider(providerId)?.aggregates.list ?? []
  }

  async setAggregates(providerId: string, aggregateIds: readonly string[]): Promise<void> {
    if (isSameSet(providerOf(await this.#ledger.read(), providerId).aggregates.list, aggregateIds)) return
    await this.#write(write => setAggregates(write, providerId, aggregateIds, { bumps: true }))
  }

  async usages(providerId: string) {
    const { stocks } = providerOf(await this.#ledger.read(), providerId)
    return Object.fromEntries([...stocks].map(([name, stock]) => [name, stock.used]))
  }

  async candidates(query: Parameters<PlacementPort['candidates']>[0]) {
    const snapshot = await this.#ledger.read()
    checkQuery(snapshot, query)
    return findCandidates(snapshot, query, this.#search)
  }

  async explain(query: Parameters<PlacementPort['explain']>[0]) {
    return explainCandidates(await this.#ledger.read(), query)
  }

  async consumer(id: string): Promise<ConsumerState> {
    const stored = (await readConsumers(this.#ledger.db, [id])).get(id)
    return {
      allocations: allocationsOf(await this.#ledger.read(), stored),
      projectId: stored?.project_id ?? null,
      userId: stored?.user_id ?? null,
      consumerType: stored?.consumer_type ?? null,
      generation: stored?.generation ?? null,
    }
  }

  claim(claim: Claim): Promise<void> {
    return this.#write(async write => {
      if (!(await claimForNew(write, asChange(claim)))) await claimAgain(write, claim)
    })
  }

  async reallocate(changes: readonly Claim[]): Promise<void> {
    await this.#write(write => setAllocations(write, changes.map(asChange)))
  }

  async release(consumerId: string): Promise<void> {
    await this.#write(write => releaseAllocations(write, consumerId))
  }

  async consumersOf(providerId: string): Promise<readonly string[]> {
    const { key } = providerOf(await this.#ledger.read(), providerId)
    const rows = await readAllocationsOf(this.#ledger.db, key)
    return [...new Set(rows.map(row => row.consumer_uuid))]
  }
}
