import { declareFault } from '#base'

export const PciConfigInvalidSpec = declareFault(
  'PciConfigInvalidSpec',
  'refused',
  (p: { reason: string }) => `Invalid [pci]device_spec config: ${p.reason}`,
)
export const PciDeviceWrongAddressFormat = declareFault(
  'PciDeviceWrongAddressFormat',
  'refused',
  (p: { address: string }) => `The PCI address ${p.address} has an incorrect format.`,
)
export const PciDeviceInvalidDeviceName = declareFault(
  'PciDeviceInvalidDeviceName',
  'refused',
  () => 'Invalid [pci]device_spec config: the device can be named by devname or by address, but not by both.',
)
export const PciInvalidAlias = declareFault(
  'PciInvalidAlias',
  'refused',
  (p: { reason: string }) => `Invalid PCI alias definition: ${p.reason}`,
)
export const PciRequestAliasNotDefined = declareFault(
  'PciRequestAliasNotDefined',
  'refused',
  (p: { alias: string }) => `PCI alias ${p.alias} is not defined`,
)
export const PciPlacementInvalid = declareFault(
  'PlacementPciException',
  'final',
  (p: { reason: string }) => `Failed to gather or report PCI resources to Placement: ${p.reason}`,
)
