import { namedUuid } from '#base'
import type { PciDevice } from './device.ts'

/** The device that stands for a device in placement: virtual functions are counted at their physical one. */
export const providerAddress = (device: PciDevice): string =>
  device.type === 'type-VF' || device.type === 'vdpa' ? (device.parentAddress ?? device.address) : device.address

/** The same for a node's device each time, so that nobody has to look it up. */
export const pciProviderId = (nodeId: string, device: PciDevice): string =>
  namedUuid(`pci ${nodeId} ${providerAddress(device)}`)

/** `hypervisor_0000:81:00.0`, as Nova names it. */
export const pciProviderName = (hypervisorHostname: string, device: PciDevice): string =>
  `${hypervisorHostname}_${providerAddress(device).toUpperCase()}`

const named = (text: string): string => text.toUpperCase().replaceAll(/[^0-9A-Z_]+/g, '_')

/** A class as placement takes it: standard ones as they are, all others as custom ones. */
export const pciResourceClass = (
  given: string | undefined,
  ids: { readonly vendorId: string; readonly productId: string },
  isStandard: (name: string) => boolean,
): string => {
  if (given === undefined || given === '') return named(`CUSTOM_PCI_${ids.vendorId}_${ids.productId}`)
  const upper = given.toUpperCase()
  return isStandard(upper) || /^CUSTOM_[A-Z0-9_]+$/.test(upper) ? upper : `CUSTOM_${named(given)}`
}

/** Traits as placement takes them. */
export const pciTraits = (given: readonly string[], isStandard: (name: string) => boolean): readonly string[] =>
  given.map(name => {
    if (isStandard(name)) return name
    const upper = name.toUpperCase()
    return /^CUSTOM_[A-Z0-9_]+$/.test(upper) ? upper : `CUSTOM_${named(name)}`
  })
