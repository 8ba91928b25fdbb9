import { isStandardTrait, pciResourceClass, pciTraits, type RequestSpec, standardResourceClasses } from '#model'
import type { ResourceRequest } from './resource-request.ts'

/** `[filter_scheduler] pci_in_placement`: each device in a group of its own, for each may be another provider's. */
export function addDevices(
  { pciRequests = [] }: RequestSpec,
  request: ResourceRequest,
  ofAll: readonly string[] = [],
): void {
  for (const { id, count, specs, resourceClass, traits, portId } of pciRequests) {
    // Cards of physical networks are not counted there.
    if (portId !== undefined) continue
    const [spec = {}] = specs
    const ids = { vendorId: spec['vendor_id'] ?? '', productId: spec['product_id'] ?? '' }
    const name = pciResourceClass(resourceClass ?? undefined, ids, one => standardResourceClasses.includes(one))
    const required = pciTraits(traits, isStandardTrait)
    for (let device = 0; device < count; device++) {
      const group = request.group(`${id}-${device}`)
      group.resources.set(name, 1)
      for (const trait of [...required, ...ofAll]) group.required.add(trait)
    }
  }
}
