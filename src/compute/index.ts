/**
 * nova-compute: one agent per hypervisor host. It owns the guests of the host (one queue each), reports what the host has,
 * and tells what guests do by themselves. It has no database and asks the conductor for all it needs to know.
 */
export { type Agent, type AgentOptions, startAgent } from './agent.ts'
export type { ConsoleOptions } from './consoles.ts'
export { GuestActors } from './guest-actors.ts'
export { described, type HardwareOptions } from './hardware.ts'
export { imageSource, type SignatureRules } from './image-source.ts'
export { type GuardProcess, guardGuests } from './lease/guard-process.ts'
export { InvalidComputeId, readNodeId } from './node-id.ts'
export {
  type ProviderConfig,
  ProviderConfigInvalid,
  providersIn,
} from './provider-config.ts'
