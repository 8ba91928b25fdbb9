/**
 * The hypervisor seam: what nova-compute asks (driver.ts), the guest it asks for (guest-spec.ts), the typed failures,
 * and two drivers, `fake/` and `libvirt/`, which the same conformance suite holds to the contract.
 */
export * from './driver.ts'
export * from './faults.ts'
export * from './guest-facets.ts'
export * from './guest-spec.ts'
export * from './guest-wires.ts'
export * from './image-source.ts'
export * from './moves.ts'
