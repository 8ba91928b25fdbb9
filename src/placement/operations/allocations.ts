import type { Allocations } from '#cloud'
import { type Holding, type UsageChange, weighChange } from '../engine/allocation-change.ts'
import type { Stock } from '../engine/capacity.ts'
import type { ProviderNode } from '../engine/provider-node.ts'
import type { Snapshot } from '../engine/snapshot.ts'
import {
  AllocationRefused,
  NoSuchResourceClass,
  StaleConsumer,
  StaleProvider,
  UnknownAllocationProvider,
} from '../faults.ts'
import type { Write } from '../ledger.ts'
import {
  type AllocationRow,
  type ConsumerRow,
  insertAllocations,
  insertConsumerIfNew,
  insertConsumers,
  readConsumers,
  removeAllocations,
  removeConsumers,
  type StoredConsumer,
  updateConsumer,
} from '../store/consumers.ts'
import { touchForAllocations } from '../store/providers.ts'

/** What one consumer shall hold from now on; nothing means it lets go of everything. */
export interface ConsumerChange {
  readonly consumerId: string
  readonly allocations: Allocations
  readonly projectId: string
  readonly userId: string
  /** Undefined keeps what is stored. */
  readonly consumerType: string | undefined
  /** The generation the caller last saw, null for a consumer that must not exist, undefined for any. */
  readonly generation: number | null | undefined
}

/** The holdings that allocations ask for; unknown providers and classes are refused. */
function holdingsOf(snapshot: Snapshot, allocations: Allocations): Holding[] {
  const holdings: Holding[] = []
  for (const [providerId, resources] of Object.entries(allocations)) {
    const node = snapshot.provider(providerId)
    if (node === undefined) throw UnknownAllocationProvider({ id: providerId })
    for (const [resourceClass, amount] of Object.entries(resources)) {
      if (!snapshot.classes.has(resourceClass)) throw NoSuchResourceClass({ name: resourceClass })
      holdings.push({ node, resourceClass, amount })
    }
  }
  return holdings
}

export const storedHoldings = (snapshot: Snapshot, consumer: StoredConsumer | undefined): Holding[] =>
  (consumer?.allocations ?? []).flatMap(row => {
    const node = snapshot.providerByKey(row.provider_id)
    return node === undefined ? [] : [{ node, resourceClass: snapshot.classes.name(row.class_id), amount: row.used }]
  })

function rowsOf(snapshot: Snapshot, consumerId: string, holdings: readonly Holding[]): AllocationRow[] {
  return holdings.map(({ node, resourceClass, amount }) => ({
    consumer_uuid: consumerId,
    provider_id: node.key,
    class_id: snapshot.classes.id(resourceClass),
    used: amount,
  }))
}

function refuse({ refusal }: UsageChange): void {
  if (refusal === undefined) return
  const { kind, resourceClass, node, reason } = refusal
  throw AllocationRefused({ kind, resourceClass, provider: node.id, reason })
}

const consumerRow = (change: ConsumerChange, stored: ConsumerRow | undefined, nowMs: number): ConsumerRow => ({
  uuid: change.consumerId,
  generation: (stored?.generation ?? 0) + 1,
  project_id: change.projectId,
  user_id: change.userId,
  consumer_type: change.consumerType ?? stored?.consumer_type ?? null,
  updated_at: nowMs,
})

/** Moves the providers' generations and, after the commit, the snapshot. */
async function settle(write: Write, usage: UsageChange, gaining: ReadonlySet<ProviderNode>): Promise<void> {
  const touched = [...usage.deltas.keys()]
  const losing = touched.filter(node => !gaining.has(node))
  await touchForAllocations(
    write.tx,
    [...gaining].map(node => node.key),
    losing.map(node => node.key),
    write.stamp,
  )
  write.appliesAs(() => {
    for (const [node, deltas] of usage.deltas) {
      write.snapshot.applyUsage(node, deltas, gaining.has(node), write.stamp.nowMs)
    }
  })
}

/**
 * The common write: a consumer that does not exist yet. Two statements and the providers', against six for the general
 * one. False, with nothing written, when the consumer exists or the amounts do not fit: then look closer.
 */
export async function claimForNew(write: Write, change: ConsumerChange): Promise<boolean> {
  const wanted = holdingsOf(write.snapshot, change.allocations)
  const usage = weighChange([], wanted)
  if (usage.refusal !== undefined) return false
  if (!(await insertConsumerIfNew(write.tx, consumerRow(change, undefined, write.stamp.nowMs)))) return false
  await insertAllocations(write.tx, rowsOf(write.snapshot, change.consumerId, wanted))
  await settle(write, usage, new Set(wanted.map(holding => holding.node)))
  return true
}

function checkGeneration(change: ConsumerChange, stored: StoredConsumer | undefined): void {
  const actual = stored?.generation ?? null
  if (change.generation !== undefined && change.generation !== actual) {
    throw StaleConsumer({ actual, given: change.generation })
  }
}

/** Inventories to weigh against, when they are not the present ones. */
export type StockOf = (node: ProviderNode, resourceClass: string) => Stock | undefined

/**
 * Every consumer ends up holding exactly what its change says, or nothing happens at all. Returns what that does to the
 * providers.
 */
export async function setAllocations(
  write: Write,
  changes: readonly ConsumerChange[],
  stockOf?: StockOf,
): Promise<{ usage: UsageChange; gaining: ReadonlySet<ProviderNode> }> {
  const { tx, snapshot, stamp } = write
  const stored = await readConsumers(
    tx,
    changes.map(change => change.consumerId),
  )
  const wanted = new Map<ConsumerChange, Holding[]>()
  for (const change of changes) {
    checkGeneration(change, stored.get(change.consumerId))
    wanted.set(change, holdingsOf(snapshot, change.allocations))
  }
  const old = changes.flatMap(change => storedHoldings(snapshot, stored.get(change.consumerId)))
  const usage = weighChange(old, [...wanted.values()].flat(), stockOf)
  refuse(usage)

  const existing = changes.filter(change => stored.has(change.consumerId))
  const isEmpty = (change: ConsumerChange) => wanted.get(change)?.length === 0
  const ids = (of: readonly ConsumerChange[]) => of.map(change => change.consumerId)
  await removeConsumers(tx, ids(existing.filter(isEmpty)))
  const kept = existing.filter(change => !isEmpty(change))
  await removeAllocations(tx, ids(kept))
  for (const change of kept) {
    const before = stored.get(change.consumerId)
    const isCurrent = await updateConsumer(tx, consumerRow(change, before, stamp.nowMs), before?.generation ?? 0)
    if (!isCurrent) throw StaleConsumer({ actual: null, given: before?.generation ?? null })
  }
  const born = changes.filter(change => !stored.has(change.consumerId) && !isEmpty(change))
  await insertConsumers(
    tx,
    born.map(change => consumerRow(change, undefined, stamp.nowMs)),
  )
  await insertAllocations(
    tx,
    changes.flatMap(change => rowsOf(snapshot, change.consumerId, wanted.get(change) ?? [])),
  )
  // Wiping a consumer by an empty request moves its providers' generations too, a plain DELETE does not.
  const gaining = [...wanted.values()].flat()
  const wiped = changes.filter(isEmpty).flatMap(change => storedHoldings(snapshot, stored.get(change.consumerId)))
  const bumped = new Set([...gaining, ...wiped].map(holding => holding.node))
  await settle(write, usage, bumped)
  return { usage, gaining: bumped }
}

/** False when the consumer held nothing. */
export async function releaseAllocations(write: Write, consumerId: string): Promise<boolean> {
  const stored = (await readConsumers(write.tx, [consumerId])).get(consumerId)
  if (stored === undefined) {
    write.appliesAs(() => {})
    return false
  }
  await removeConsumers(write.tx, [consumerId])
  await settle(write, weighChange(storedHoldings(write.snapshot, stored), []), new Set())
  return true
}

/** For writes that carry a provider's generation. */
export function checkProviderGeneration(node: ProviderNode, given: number | undefined): void {
  if (given !== undefined && given !== node.generation) {
    throw StaleProvider({ provider: node.id, actual: node.generation, given })
  }
}
