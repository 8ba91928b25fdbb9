import { type Inventory, InventoryInUse, ProviderNotFound } from '#cloud'
import type { ProviderNode } from '../engine/provider-node.ts'
import type { Snapshot } from '../engine/snapshot.ts'
import { InventoryExists, NoSuchInventory, NoSuchResourceClass, StaleProvider } from '../faults.ts'
import type { Write } from '../ledger.ts'
import { changeInventories } from '../store/provider-details.ts'
import { touchProvider } from '../store/providers.ts'
import { checkProviderGeneration } from './allocations.ts'

export type Inventories = Readonly<Record<string, Inventory>>

export function providerOf(snapshot: Snapshot, id: string): ProviderNode {
  const node = snapshot.provider(id)
  if (node === undefined) throw ProviderNotFound({ id })
  return node
}

/** Moves the provider's generation; the lock on the counter makes a miss impossible except through foreign hands. */
export async function bump(write: Write, node: ProviderNode): Promise<void> {
  if (!(await touchProvider(write.tx, node.key, node.generation, true, write.stamp))) {
    throw StaleProvider({ provider: node.id, actual: -1, given: node.generation })
  }
}

function classId(snapshot: Snapshot, name: string): number {
  if (!snapshot.classes.has(name)) throw NoSuchResourceClass({ name })
  return snapshot.classes.id(name)
}

function refuseInUse(node: ProviderNode, classes: readonly string[]): void {
  const used = classes.filter(name => (node.stocks.get(name)?.used ?? 0) > 0)
  if (used.length === 0) return
  throw InventoryInUse({ reason: `Inventory for '${used.join(', ')}' on resource provider '${node.id}' in use.` })
}

const rows = (snapshot: Snapshot, inventories: Inventories) =>
  Object.entries(inventories).map(([name, inventory]) => ({ ...inventory, classId: classId(snapshot, name) }))

/** Replaces all of the provider's inventories. */
export async function setInventories(
  write: Write,
  providerId: string,
  inventories: Inventories,
  generation?: number,
): Promise<void> {
  const node = providerOf(write.snapshot, providerId)
  checkProviderGeneration(node, generation)
  const written = rows(write.snapshot, inventories)
  const removed = [...node.stocks.keys()].filter(name => !(name in inventories))
  refuseInUse(node, removed)
  await changeInventories(
    write.tx,
    node.key,
    removed.map(name => write.snapshot.classes.id(name)),
    written,
    write.stamp.nowMs,
  )
  await bump(write, node)
}

/** Adds one class (`mode: 'add'`) or changes one that is there. */
export async function putInventory(
  write: Write,
  providerId: string,
  resourceClass: string,
  inventory: Inventory,
  how: { mode: 'add' | 'change'; generation?: number },
): Promise<void> {
  const node = providerOf(write.snapshot, providerId)
  checkProviderGeneration(node, how.generation)
  const written = rows(write.snapshot, { [resourceClass]: inventory })
  const exists = node.stocks.has(resourceClass)
  if (exists && how.mode === 'add') throw InventoryExists({ resourceClass })
  if (!exists && how.mode === 'change') throw NoSuchInventory({ resourceClass })
  await changeInventories(write.tx, node.key, [], written, write.stamp.nowMs)
  await bump(write, node)
}

export async function removeInventory(write: Write, providerId: string, resourceClass: string): Promise<void> {
  const node = providerOf(write.snapshot, providerId)
  const id = classId(write.snapshot, resourceClass)
  if (!node.stocks.has(resourceClass)) throw NoSuchInventory({ resourceClass })
  refuseInUse(node, [resourceClass])
  await changeInventories(write.tx, node.key, [id], [], write.stamp.nowMs)
  await bump(write, node)
}
