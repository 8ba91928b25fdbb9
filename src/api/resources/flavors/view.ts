import type { Links } from '#api/kit'
import type { StoredFlavor } from '#store'

export const summaryView = (flavor: StoredFlavor, links: Links) => ({
  id: flavor.flavorId,
  name: flavor.name,
  links: links.both('flavors', flavor.flavorId),
  description: flavor.description,
})

/** `swapIsNumber` from 2.75 on; before, no swap was an empty text. */
export const detailView = (flavor: StoredFlavor, links: Links, swapIsNumber: boolean) => ({
  id: flavor.flavorId,
  name: flavor.name,
  ram: flavor.memoryMiB,
  disk: flavor.rootGiB,
  vcpus: flavor.vcpus,
  swap: flavor.swapMiB === 0 && !swapIsNumber ? '' : flavor.swapMiB,
  'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeralGiB,
  'OS-FLV-DISABLED:disabled': flavor.isDisabled,
  'os-flavor-access:is_public': flavor.isPublic,
  rxtx_factor: flavor.rxtxFactor,
  description: flavor.description,
  links: links.both('flavors', flavor.flavorId),
  extra_specs: flavor.extraSpecs,
})
