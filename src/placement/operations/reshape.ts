import { InventoryInUse } from '#cloud'
import type { Stock } from '../engine/capacity.ts'
import type { ProviderNode } from '../engine/provider-node.ts'
import { NoSuchResourceClass, UnknownReshapeProvider } from '../faults.ts'
import type { Write } from '../ledger.ts'
import { changeInventories } from '../store/provider-details.ts'
import { type ConsumerChange, checkProviderGeneration, setAllocations } from './allocations.ts'
import { bump, type Inventories } from './inventories.ts'

/** The inventories one provider shall have, and the generation the caller saw. */
export interface ReshapedProvider {
  readonly generation: number
  readonly inventories: Inventories
}

/** The stocks a provider will have, those about to go included: whether anything is left in them shows at the end. */
function plannedStocks(node: ProviderNode, inventories: Inventories, nowMs: number): Map<string, Stock> {
  const stocks = new Map(node.stocks)
  for (const [resourceClass, inventory] of Object.entries(inventories)) {
    stocks.set(resourceClass, {
      ...inventory,
      resourceClass,
      updatedAtMs: nowMs,
      used: node.stocks.get(resourceClass)?.used ?? 0,
    })
  }
  return stocks
}

/**
 * Replaces the inventories of some providers and the allocations of some consumers in one go: how a host's resources
 * move between the providers of its tree while servers hold them.
 */
export async function reshape(
  write: Write,
  providers: Readonly<Record<string, ReshapedProvider>>,
  changes: readonly ConsumerChange[],
): Promise<void> {
  const { snapshot, tx, stamp } = write
  const wanted = new Map<ProviderNode, ReshapedProvider>()
  const planned = new Map<ProviderNode, ReadonlyMap<string, Stock>>()
  for (const [id, reshaped] of Object.entries(providers)) {
    const node = snapshot.provider(id)
    if (node === undefined) throw UnknownReshapeProvider({ id })
    checkProviderGeneration(node, reshaped.generation)
    for (const name of Object.keys(reshaped.inventories)) {
      if (!snapshot.classes.has(name)) throw NoSuchResourceClass({ name })
    }
    wanted.set(node, reshaped)
    planned.set(node, plannedStocks(node, reshaped.inventories, stamp.nowMs))
  }
  const stockOf = (node: ProviderNode, name: string) => (planned.get(node) ?? node.stocks).get(name)
  const { usage, gaining } = await setAllocations(write, changes, stockOf)
  for (const [node, { inventories }] of wanted) {
    const removed = [...node.stocks.keys()].filter(name => !(name in inventories))
    const held = removed.filter(
      name => (node.stocks.get(name)?.used ?? 0) + (usage.deltas.get(node)?.get(name) ?? 0) > 0,
    )
    if (held.length > 0) {
      throw InventoryInUse({ reason: `Inventory for '${held.join(', ')}' on resource provider '${node.id}' in use.` })
    }
    const id = (name: string) => snapshot.classes.id(name)
    const rows = Object.entries(inventories).map(([name, inventory]) => ({ ...inventory, classId: id(name) }))
    await changeInventories(tx, node.key, removed.map(id), rows, stamp.nowMs)
    if (!gaining.has(node)) await bump(write, node)
  }
  // Inventories changed too, so the usage alone does not bring the snapshot up to date.
  write.appliesAs(undefined)
}
