import { Fault, type Log } from '#base'
import { inPath } from '../http/service-client.ts'
import { isRefusal, type PlacementApi, placementCode } from './api.ts'
import { type Inventory, InventoryInUse, PlacementConflict, type Provider, ProviderNotFound } from './port.ts'

interface WireProvider {
  readonly uuid: string
  readonly name: string
  readonly generation: number
  readonly parent_provider_uuid: string | null
  readonly root_provider_uuid: string
}

interface WireInventory {
  readonly total: number
  readonly reserved: number
  readonly min_unit: number
  readonly max_unit: number
  readonly step_size: number
  readonly allocation_ratio: number
}

const providerOf = (wire: WireProvider): Provider => ({
  id: wire.uuid,
  name: wire.name,
  generation: wire.generation,
  parentId: wire.parent_provider_uuid,
  rootId: wire.root_provider_uuid,
})

const inventoryOf = (wire: WireInventory): Inventory => ({
  total: wire.total,
  reserved: wire.reserved,
  minUnit: wire.min_unit,
  maxUnit: wire.max_unit,
  stepSize: wire.step_size,
  allocationRatio: wire.allocation_ratio,
})

const wireInventory = (inventory: Inventory): WireInventory => ({
  total: inventory.total,
  reserved: inventory.reserved,
  min_unit: inventory.minUnit,
  max_unit: inventory.maxUnit,
  step_size: inventory.stepSize,
  allocation_ratio: inventory.allocationRatio,
})

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))

/** Lost races in a row after which the caller should look at the whole again. */
const attempts = 8

interface Generation {
  readonly resource_provider_generation: number
}

/** What a provider is and has. Writes carry the generation that was just read, and try again when it has moved. */
export class Providers {
  readonly #api: PlacementApi
  readonly #log: Log
  readonly #mayLeaveOutTraits: boolean
  readonly #leftOut = new Set<string>()

  constructor(api: PlacementApi, options: { log: Log; mayLeaveOutTraits: boolean }) {
    this.#api = api
    this.#log = options.log
    this.#mayLeaveOutTraits = options.mayLeaveOutTraits
  }

  async all(): Promise<readonly Provider[]> {
    const { resource_providers: all } = await this.#api.get<{ resource_providers: readonly WireProvider[] }>(
      '/resource_providers',
    )
    return all.map(providerOf)
  }

  async find(id: string): Promise<Provider | undefined> {
    try {
      return providerOf(await this.#api.get<WireProvider>(this.#path(id)))
    } catch (error) {
      if (isRefusal(error, 404)) return undefined
      throw error
    }
  }

  async ensure(wanted: { id: string; name: string; parentId?: string }): Promise<Provider> {
    const known = await this.find(wanted.id)
    if (known?.name === wanted.name) return known
    try {
      if (known !== undefined) {
        await this.#api.call({ method: 'PUT', path: this.#path(wanted.id), json: { name: wanted.name } })
      } else {
        const parent = wanted.parentId === undefined ? {} : { parent_provider_uuid: wanted.parentId }
        const json = { uuid: wanted.id, name: wanted.name, ...parent }
        await this.#api.call({ method: 'POST', path: '/resource_providers', json })
      }
    } catch (error) {
      // Somebody else may have made just this one in the meantime.
      const now = isRefusal(error, 409) ? await this.find(wanted.id) : undefined
      if (now?.name === wanted.name) return now
      throw isRefusal(error, 409) ? PlacementConflict({ reason: error.message }, { cause: error }) : error
    }
    const made = await this.find(wanted.id)
    if (made === undefined) throw ProviderNotFound({ id: wanted.id })
    return made
  }

  async remove(id: string): Promise<void> {
    await this.#of(id, () => this.#api.call({ method: 'DELETE', path: this.#path(id) }))
  }

  async inventories(id: string): Promise<Readonly<Record<string, Inventory>>> {
    const { inventories } = await this.#read<{ inventories: Record<string, WireInventory> }>(id, 'inventories')
    return mapValues(inventories, inventoryOf)
  }

  async setInventories(id: string, inventories: Readonly<Record<string, Inventory>>): Promise<void> {
    for (const name of Object.keys(inventories).filter(one => one.startsWith('CUSTOM_')))
      await this.#api.call({ method: 'PUT', path: `/resource_classes/${inPath(name)}` })
    await this.#write(id, 'inventories', { inventories: mapValues(inventories, wireInventory) })
  }

  async traits(id: string): Promise<readonly string[]> {
    return (await this.#read<{ traits: readonly string[] }>(id, 'traits')).traits
  }

  async setTraits(id: string, traits: readonly string[]): Promise<void> {
    await this.#write(id, 'traits', { traits: await this.#known(traits) })
  }

  async aggregates(id: string): Promise<readonly string[]> {
    try {
      return (await this.#read<{ aggregates: readonly string[] }>(id, 'aggregates')).aggregates
    } catch (error) {
      if (ProviderNotFound.is(error)) return []
      throw error
    }
  }

  async setAggregates(id: string, aggregates: readonly string[]): Promise<void> {
    await this.#write(id, 'aggregates', { aggregates })
  }

  async usages(id: string): Promise<Readonly<Record<string, number>>> {
    return (await this.#read<{ usages: Record<string, number> }>(id, 'usages')).usages
  }

  async consumers(id: string): Promise<readonly string[]> {
    const { allocations } = await this.#read<{ allocations: Record<string, unknown> }>(id, 'allocations')
    return Object.keys(allocations)
  }

  /** The traits as Placement knows them: custom ones are made; standard ones of a newer release may be left out. */
  async #known(traits: readonly string[]): Promise<readonly string[]> {
    if (traits.length === 0) return traits
    const { traits: all } = await this.#api.get<{ traits: readonly string[] }>('/traits')
    const there = new Set(all)
    const strange = traits.filter(name => !there.has(name))
    for (const name of strange.filter(n => n.startsWith('CUSTOM_'))) {
      await this.#api.call({ method: 'PUT', path: `/traits/${inPath(name)}` })
    }
    const newer = strange.filter(name => !name.startsWith('CUSTOM_'))
    if (newer.length === 0 || !this.#mayLeaveOutTraits) return traits
    for (const trait of newer.filter(name => !this.#leftOut.has(name))) {
      this.#leftOut.add(trait)
      this.#log.warn({ trait }, 'this placement is older than the trait, which is left out')
    }
    return traits.filter(name => !newer.includes(name))
  }

  #path(id: string, part?: string): string {
    return `/resource_providers/${inPath(id)}${part === undefined ? '' : `/${part}`}`
  }

  #read<T>(id: string, part: string): Promise<T & Generation> {
    return this.#of(id, () => this.#api.get<T & Generation>(this.#path(id, part)))
  }

  async #write(id: string, part: string, content: object): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { resource_provider_generation } = await this.#read<object>(id, part)
      const json = { ...content, resource_provider_generation }
      try {
        await this.#of(id, () => this.#api.call({ method: 'PUT', path: this.#path(id, part), json }))
        return
      } catch (error) {
        if (attempt >= attempts || !PlacementConflict.is(error)) throw error
      }
    }
  }

  /** Refusals in the port's words. */
  async #of<T>(id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const options = { cause: error, ...(error.detail === undefined ? {} : { detail: error.detail }) }
      if (error.status === 404) throw ProviderNotFound({ id }, options)
      if (error.code === placementCode.inventoryInUse) throw InventoryInUse({ reason: error.message }, options)
      if (error.code === placementCode.stale) throw PlacementConflict({ reason: error.message }, options)
      throw error
    }
  }
}
