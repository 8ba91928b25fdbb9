/**
 * The words of the domain as types and pure rules: what an instance, a flavor, a request spec is, what may be asked of a
 * server and when. No I/O, no clock, nothing above #base.
 */

export * from './audit-period.ts'
export * from './block-device.ts'
export * from './decision-record.ts'
export * from './device-names.ts'
export { extraSpecComplaint } from './extra-specs/check.ts'
export * from './faults.ts'
export * from './flavor.ts'
export { flavorResources } from './flavor-resources.ts'
export * from './instance.ts'
export * from './launch-secret.ts'
export * from './lifecycle.ts'
export * from './migration.ts'
export * from './network-info.ts'
export * from './node-description.ts'
export { InvalidNumaRequest } from './numa/faults.ts'
export { type NumaCell, type NumaTopology, numaTopology } from './numa/topology.ts'
export * from './request-spec.ts'
export * from './server-group.ts'
export * from './server-password.ts'
export * from './standard/resource-classes.ts'
export * from './standard/traits.ts'
export * from './status.ts'
