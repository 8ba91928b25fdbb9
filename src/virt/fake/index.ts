/**
 * A hypervisor without machines: keeps what it was told, answers as the real one would, fails on demand. It holds to the
 * same conformance suite. For tests, benchmarks, and trying the control plane where no guest can run.
 */
export { createFakeDriver, type FakeDriver, type FakeDriverOptions } from './driver.ts'
export { type FakeOperation, FaultPlan } from './faults-plan.ts'
export { evenCells, type FakeHardware, simulatedFunction } from './hardware.ts'
