import type { HostFence } from '#bus'
import type { ConductorDeps, InstanceHaOptions } from '../deps.ts'
import { FenceFailed, runFenceCommand } from './fence-command.ts'

export interface Proof {
  readonly how: 'lease' | 'command'
}

/** The host has killed its guests by itself, if it was silent for as long as it promised. */
export const isLeaseOver = ({ leaseMs, silentMs }: HostFence, { marginMs }: InstanceHaOptions): boolean =>
  leaseMs !== null && silentMs >= leaseMs + marginMs

/** Makes it certain that no guest runs on the host; `FenceFailed` where nobody can. */
export async function fenceHost(d: ConductorDeps, lost: HostFence, signal: AbortSignal): Promise<Proof> {
  const { host } = lost
  const options = d.options.instanceHa
  if (options === undefined) throw FenceFailed({ host, reason: '[instance_ha] enabled is no more set' })
  if (isLeaseOver(lost, options)) return { how: 'lease' }
  const { fenceCommand, fenceTimeoutMs: timeoutMs } = options
  if (fenceCommand === null)
    throw FenceFailed({ host, reason: 'it keeps no lease (self_fence), and there is no [instance_ha] fence_command' })
  await runFenceCommand(fenceCommand, host, { timeoutMs, signal })
  return { how: 'command' }
}
