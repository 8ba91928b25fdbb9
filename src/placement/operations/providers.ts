import type { ProviderNode } from '../engine/provider-node.ts'
import type { Snapshot } from '../engine/snapshot.ts'
import { BadParent, NoSuchTrait, ProviderExists, ProviderHasChildren, ProviderInUse } from '../faults.ts'
import type { Write } from '../ledger.ts'
import { changeAggregates, changeTraits } from '../store/provider-details.ts'
import { insertProvider, moveToRoot, removeProvider, touchProvider } from '../store/providers.ts'
import { checkProviderGeneration } from './allocations.ts'
import { bump, providerOf } from './inventories.ts'

export async function createProvider(
  write: Write,
  provider: { id: string; name: string; parentId?: string | null },
): Promise<void> {
  const { snapshot } = write
  const { id, name, parentId } = provider
  const bad = (reason: string) => BadParent({ action: 'create', reason })
  if (parentId === id) {
    throw bad(
      'parent provider UUID cannot be same as UUID. Please set parent provider UUID to None if there is no parent.',
    )
  }
  const parent = parentId == null ? undefined : snapshot.provider(parentId)
  if (parentId != null && parent === undefined) throw bad('parent provider UUID does not exist.')
  const taken = [
    ...(snapshot.provider(id) === undefined ? [] : [`uuid: ${id}`]),
    ...(snapshot.providerNamed(name) === undefined ? [] : [`name: ${name}`]),
  ]
  if (taken.length > 0) throw ProviderExists({ what: taken.join(', ') })
  await insertProvider(
    write.tx,
    { uuid: id, name, parentKey: parent?.key ?? null, rootKey: parent?.root.key ?? null },
    write.stamp,
  )
}

/** Undefined keeps the parent, null makes the provider a root. */
function newParent(snapshot: Snapshot, node: ProviderNode, parentId: string | null | undefined, mayMove: boolean) {
  const bad = (reason: string) => BadParent({ action: 'update', reason })
  if (parentId === undefined || parentId === (node.parent?.id ?? null)) return node.parent
  if (!mayMove && node.parent !== null) {
    throw bad(
      parentId === null
        ? 'un-parenting a provider is not currently allowed.'
        : 're-parenting a provider is not currently allowed.',
    )
  }
  if (parentId === null) return null
  const parent = snapshot.provider(parentId)
  if (parent === undefined) throw bad('parent provider UUID does not exist.')
  if (node.isAncestorOrSelf(parent)) throw bad('creating loop in the provider tree is not allowed.')
  return parent
}

export async function updateProvider(
  write: Write,
  providerId: string,
  to: { name?: string; parentId?: string | null },
  mayMove: boolean,
): Promise<void> {
  const { snapshot, stamp } = write
  const node = providerOf(snapshot, providerId)
  const parent = newParent(snapshot, node, to.parentId, mayMove)
  const name = to.name ?? node.name
  const namesake = snapshot.providerNamed(name)
  if (namesake !== undefined && namesake !== node) throw ProviderExists({ what: name })
  const root = parent?.root ?? node
  await touchProvider(write.tx, node.key, node.generation, false, stamp, {
    name,
    parent_id: parent?.key ?? null,
    root_id: parent === null ? null : root.key,
  })
  if (root === node.root) return
  const subtree = node.root.tree.filter(member => member !== node && node.isAncestorOrSelf(member))
  await moveToRoot(
    write.tx,
    subtree.map(member => member.key),
    root.key,
    stamp,
  )
}

export async function deleteProvider(write: Write, providerId: string): Promise<void> {
  const node = providerOf(write.snapshot, providerId)
  if (node.children.size > 0) throw ProviderHasChildren({})
  if ([...node.stocks.values()].some(stock => stock.used > 0)) throw ProviderInUse({})
  await removeProvider(write.tx, node.key, write.stamp)
}

/** What must go and what must come to get from one list to another. */
function difference(from: readonly string[], to: readonly string[]): { gone: string[]; added: string[] } {
  const wanted = new Set(to)
  const had = new Set(from)
  return { gone: from.filter(name => !wanted.has(name)), added: [...wanted].filter(name => !had.has(name)) }
}

/** Replaces the provider's traits, which must exist. The generation stays when nothing changes. */
export async function setTraits(
  write: Write,
  providerId: string,
  names: readonly string[],
  generation?: number,
): Promise<void> {
  const { traits } = write.snapshot
  const node = providerOf(write.snapshot, providerId)
  checkProviderGeneration(node, generation)
  const unknown = names.filter(name => !traits.has(name))
  if (unknown.length > 0) throw NoSuchTrait({ names: unknown })
  const { gone, added } = difference(node.traits.list, names)
  if (gone.length + added.length === 0) return
  const ids = (of: readonly string[]) => of.map(name => traits.id(name))
  await changeTraits(write.tx, node.key, ids(gone), ids(added))
  await bump(write, node)
}

/** Replaces the provider's aggregates; before API version 1.19 that left the generation alone. */
export async function setAggregates(
  write: Write,
  providerId: string,
  aggregateIds: readonly string[],
  how: { bumps: boolean; generation?: number },
): Promise<void> {
  const node = providerOf(write.snapshot, providerId)
  checkProviderGeneration(node, how.generation)
  const { gone, added } = difference(node.aggregates.list, aggregateIds)
  await changeAggregates(write.tx, node.key, gone, added)
  if (how.bumps) await bump(write, node)
  else await touchProvider(write.tx, node.key, node.generation, false, write.stamp)
}
