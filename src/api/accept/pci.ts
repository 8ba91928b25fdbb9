import { newUuid } from '#base'
import {
  type Flavor,
  InvalidNumaRequest,
  type PciNumaPolicy,
  type PciRequest,
  pciAliases,
  pciNumaPolicies,
  pciRequests,
} from '#model'
import type { ApiDeps } from '../deps.ts'

const refuse = (text: string) => InvalidNumaRequest({ text })

/** How near devices have to be to the guest's memory, by the flavor or the image; undefined: nobody has said. */
export function numaPolicyOf(flavor: Flavor, properties: Readonly<Record<string, string>>): PciNumaPolicy | undefined {
  const own = flavor.extraSpecs['hw:pci_numa_affinity_policy'] || undefined
  const ofImage = properties['hw_pci_numa_affinity_policy'] || undefined
  if (own !== undefined && ofImage !== undefined && own !== ofImage)
    throw refuse(
      "Image property 'hw_pci_numa_affinity_policy' is not permitted to override the 'hw:pci_numa_affinity_policy' flavor extra spec.",
    )
  const asked = own ?? ofImage
  if (asked === undefined) return undefined
  const known = pciNumaPolicies.find(policy => policy === asked)
  if (known === undefined) throw refuse(`Invalid PCI NUMA affinity configured: ${asked}`)
  return known
}

/** PCI devices that a server of the flavor wants, each request under an id of its own. Refuses names that are no alias. */
export function pciWishes(
  deps: Pick<ApiDeps, 'settings'>,
  flavor: Flavor,
  properties: Readonly<Record<string, string>>,
): readonly PciRequest[] {
  const policy = numaPolicyOf(flavor, properties)
  if (!flavor.extraSpecs['pci_passthrough:alias']) return []
  return pciRequests(flavor.extraSpecs, pciAliases(deps.settings.pciAliases ?? []), policy, newUuid)
}

/** For the request of a server; nothing where it wants none. */
export const withPci = (requests: readonly PciRequest[]): { readonly pciRequests?: readonly PciRequest[] } =>
  requests.length === 0 ? {} : { pciRequests: requests }
