/**
 * The words of the domain as types and pure rules: what an instance, a flavor, a request spec is, what may be asked of a
 * server and when. No I/O, no clock, nothing above #base.
 */

export * from './audit-period.ts'
export * from './block-device.ts'
export { wrongInCellName } from './cell-name.ts'
export * from './decision-record.ts'
export * from './device-names.ts'
export * from './disk-encryption.ts'
export { extraSpecComplaint } from './extra-specs/check.ts'
export * from './far-cell.ts'
export * from './faults.ts'
export * from './flavor.ts'
export { flavorResources } from './flavor-resources.ts'
export * from './guest-record.ts'
export { checkHardware } from './hardware/check.ts'
export { InvalidHardwareRequest } from './hardware/faults.ts'
export { checkImageProperties, isImageProperty } from './hardware/image-properties.ts'
export { type TpmWish, tpmOf } from './hardware/tpm.ts'
export * from './host-claim.ts'
export * from './instance.ts'
export * from './launch-secret.ts'
export * from './lifecycle.ts'
export * from './migration.ts'
export * from './network-info.ts'
export * from './node-description.ts'
export { cpusIn } from './numa/cpu-list.ts'
export { realtimeCpus } from './numa/cpu-wishes.ts'
export { InvalidNumaRequest } from './numa/faults.ts'
export { type Fit, type FitWish, fitOnHost, type NetworkNearness } from './numa/fit.ts'
export { type NumaLimits } from './numa/fit-cell.ts'
export * from './numa/host-topology.ts'
export * from './numa/report.ts'
export { type NumaCell, type NumaTopology, numaTopology } from './numa/topology.ts'
export { addressParts } from './pci/address.ts'
export { type ChosenDevice, isMovable } from './pci/choose.ts'
export * from './pci/device.ts'
export { type DeviceSpec, deviceSpecs, devicesFor } from './pci/device-spec.ts'
export * from './pci/faults.ts'
export * from './pci/provider.ts'
export {
  type PciAliases,
  type PciNumaPolicy,
  type PciProperties,
  type PciRequest,
  pciAliases,
  pciNumaPolicies,
  pciRequests,
} from './pci/request.ts'
export * from './port-claim.ts'
export * from './request-spec.ts'
export * from './server-group.ts'
export * from './server-password.ts'
export * from './server-share.ts'
export * from './standard/resource-classes.ts'
export * from './standard/traits.ts'
export * from './status.ts'
export * from './version-need.ts'
