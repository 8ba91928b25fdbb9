import { declareFault } from '#base'

/** Refusals of Placement itself, in its words; the port's own (ProviderNotFound, NoCapacity …) are in #cloud. */

export const NoSuchResourceClass = declareFault('ResourceClassNotFound', 'refused', (p: { name: string }) => {
  return `No such resource class ${p.name}.`
})
export const NoSuchTrait = declareFault('TraitNotFound', 'refused', (p: { names: readonly string[] }) => {
  return `No such trait(s): ${p.names.join(', ')}.`
})
export const ProviderExists = declareFault('ResourceProviderExists', 'conflict', (p: { what: string }) => {
  return `Conflicting resource provider ${p.what} already exists.`
})
export const ProviderInUse = declareFault('ResourceProviderInUse', 'conflict', () => {
  return 'Resource provider has allocations.'
})
export const ProviderHasChildren = declareFault(
  'CannotDeleteParentResourceProvider',
  'conflict',
  () => 'Cannot delete resource provider that is a parent of another. Delete child providers first.',
)
/** A change of the tree that cannot be. */
export const BadParent = declareFault('ObjectActionError', 'refused', (p: { action: string; reason: string }) => {
  return `Object action ${p.action} failed because: ${p.reason}`
})
export const NoSuchInventory = declareFault('NoInventory', 'missing', (p: { resourceClass: string }) => {
  return `No inventory of class ${p.resourceClass} found.`
})
export const InventoryExists = declareFault('InventoryExists', 'conflict', (p: { resourceClass: string }) => {
  return `Inventory of class ${p.resourceClass} already exists.`
})
export const NameExists = declareFault('NameExists', 'conflict', (p: { name: string }) => `${p.name} already exists.`)
export const NameInUse = declareFault('NameInUse', 'conflict', (p: { name: string }) => `${p.name} is in use.`)
/** A provider's generation in the request is not the current one. */
export const StaleProvider = declareFault(
  'ResourceProviderConcurrentUpdateDetected',
  'conflict',
  (p: { provider: string; actual: number; given: number }) => {
    return `resource provider generation conflict for provider ${p.provider}: actual: ${p.actual}, given: ${p.given}`
  },
)
/** The same of a consumer; null stands for one that does not exist. */
export const StaleConsumer = declareFault(
  'ConsumerGenerationConflict',
  'conflict',
  (p: { actual: number | null; given: number | null }) => {
    return `consumer generation conflict - expected ${p.actual ?? 'null'} but got ${p.given ?? 'None'}`
  },
)
/** An allocation names a provider that does not exist. */
export const UnknownAllocationProvider = declareFault('AllocationProviderNotFound', 'refused', (p: { id: string }) => {
  return `Allocation for resource provider '${p.id}' that does not exist.`
})

const refusals = {
  inventory: (c: string, p: string) => `Inventory for '${c}' on resource provider '${p}' invalid.`,
  capacity: (c: string, p: string) =>
    `Unable to create allocation for '${c}' on resource provider '${p}'. The requested amount would exceed the capacity.`,
  units: (c: string, p: string) =>
    `Unable to create allocation for '${c}' on resource provider '${p}'. The requested amount would violate inventory constraints.`,
}
/** An allocation does not fit; `reason` says it with numbers. */
export const AllocationRefused = declareFault(
  'InvalidInventory',
  'conflict',
  (p: { kind: keyof typeof refusals; resourceClass: string; provider: string; reason: string }) => {
    return refusals[p.kind](p.resourceClass, p.provider)
  },
)
/** A reshape names a provider that does not exist. */
export const UnknownReshapeProvider = declareFault('ReshapeProviderNotFound', 'refused', (p: { id: string }) => {
  return `Resource provider ${p.id} in inventories not found: No resource provider with uuid ${p.id} found`
})
