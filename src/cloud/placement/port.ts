import { declareFault } from '#base'

export const ProviderNotFound = declareFault(
  'ResourceProviderNotFound',
  'missing',
  (p: { id: string }) => `No such resource provider ${p.id}.`,
)
/** A generation moved under us: read again and decide. */
export const PlacementConflict = declareFault('PlacementConflict', 'conflict', (p: { reason: string }) => p.reason)
/** The amounts do not fit any more. A normal answer of a claim: try the next candidate. */
export const NoCapacity = declareFault('NoCapacity', 'conflict', (p: { reason: string }) => p.reason)
export const InventoryInUse = declareFault('InventoryInUse', 'conflict', (p: { reason: string }) => p.reason)

/** Nova's trait of a provider whose service is disabled; the scheduler asks placement to leave such providers out. */
export const disabledTrait = 'COMPUTE_STATUS_DISABLED'

export interface Inventory {
  readonly total: number
  readonly reserved: number
  readonly minUnit: number
  readonly maxUnit: number
  readonly stepSize: number
  readonly allocationRatio: number
}

export interface Provider {
  readonly id: string
  readonly name: string
  readonly generation: number
  readonly parentId: string | null
  readonly rootId: string
}

/** Amounts by resource class by provider id. */
export type Allocations = Readonly<Record<string, Readonly<Record<string, number>>>>

/** One group of an allocation-candidates query; the unsuffixed group has suffix ''. */
export interface RequestGroup {
  readonly suffix: string
  readonly resources: Readonly<Record<string, number>>
  /** Each inner list: any of these traits. */
  readonly required: readonly (readonly string[])[]
  readonly forbidden: readonly string[]
  /** Each inner list: member of any of these aggregates. */
  readonly memberOf: readonly (readonly string[])[]
  readonly notMemberOf: readonly string[]
  readonly inTree?: string
}

export interface CandidateQuery {
  readonly groups: readonly RequestGroup[]
  readonly groupPolicy?: 'none' | 'isolate'
  readonly rootRequired: readonly string[]
  readonly rootForbidden: readonly string[]
  readonly sameSubtrees: readonly (readonly string[])[]
  readonly limit?: number
}

export interface AllocationRequest {
  readonly allocations: Allocations
  /** Suffix -> provider ids. */
  readonly mappings: Readonly<Record<string, readonly string[]>>
}

export interface ProviderSummary {
  readonly rootId: string
  readonly parentId: string | null
  readonly resources: Readonly<Record<string, { capacity: number; used: number }>>
  readonly traits: readonly string[]
}

export interface Candidates {
  readonly requests: readonly AllocationRequest[]
  readonly summaries: Readonly<Record<string, ProviderSummary>>
  /** There where every candidate takes everything from a root provider of its own: the same, without making lists of it. */
  readonly alone?: LoneCandidates
}

/** Candidates of one provider each; `ids` is the same list in answers with the same providers. */
export interface LoneCandidates {
  readonly ids: readonly string[]
  request(id: string): AllocationRequest | undefined
  summary(id: string): ProviderSummary | undefined
  /** Of `ids[at]`. */
  summaryAt(at: number): ProviderSummary
}

/** Why a provider tree gave no candidate; only the built-in placement can tell. */
export interface CandidateRefusal {
  readonly providerId: string
  readonly providerName: string
  /** For people: `MEMORY_MB: 4096 needed, 1024 free of 2048 (ratio 1, reserved 512)`. */
  readonly reason: string
}

export interface ConsumerState {
  readonly allocations: Allocations
  readonly projectId: string | null
  readonly userId: string | null
  readonly consumerType: string | null
  /** Null when the consumer does not exist. */
  readonly generation: number | null
}

export interface Claim {
  readonly consumerId: string
  readonly allocations: Allocations
  readonly projectId: string
  readonly userId: string
  readonly consumerType: 'INSTANCE' | 'MIGRATION'
}

export interface PlacementPort {
  /** All of them, whatever tree they are in. */
  providers(): Promise<readonly Provider[]>
  provider(id: string): Promise<Provider | undefined>
  /** Creates it, or renames the one with this id. */
  ensureProvider(provider: { id: string; name: string; parentId?: string }): Promise<Provider>
  deleteProvider(id: string): Promise<void>
  inventories(providerId: string): Promise<Readonly<Record<string, Inventory>>>
  /** Replaces all, making custom classes as needed; reads and retries generations itself. `InventoryInUse` when a class in use would vanish. */
  setInventories(providerId: string, inventories: Readonly<Record<string, Inventory>>): Promise<void>
  traits(providerId: string): Promise<readonly string[]>
  /** Replaces all; custom ones are created as needed. */
  setTraits(providerId: string, traits: readonly string[]): Promise<void>
  /** Empty where there is no such provider. */
  aggregates(providerId: string): Promise<readonly string[]>
  setAggregates(providerId: string, aggregateIds: readonly string[]): Promise<void>
  usages(providerId: string): Promise<Readonly<Record<string, number>>>
  candidates(query: CandidateQuery): Promise<Candidates>
  /** Why each provider fell out of `candidates`; empty when the placement cannot tell. */
  explain(query: CandidateQuery): Promise<readonly CandidateRefusal[]>
  consumer(id: string): Promise<ConsumerState>
  /** Idempotent: a second identical claim is no error. `NoCapacity` or `PlacementConflict` otherwise. */
  claim(claim: Claim): Promise<void>
  /**
   * Each consumer ends up holding exactly what its change says (nothing: it lets go), all of them or none. A move hands
   * the instance's allocations to the migration and claims the target for the instance in one such call.
   */
  reallocate(changes: readonly Claim[]): Promise<void>
  /** Releasing what is not held is no error. */
  release(consumerId: string): Promise<void>
  /** Consumers with allocations on this provider. */
  consumersOf(providerId: string): Promise<readonly string[]>
}
