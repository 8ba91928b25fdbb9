import { computeContract, NoServer } from '#bus'
import { HostHasNoLease } from '#model'
import type { ConductorDeps } from './deps.ts'
import { isHostUp } from './hosts.ts'

/**
 * Whether a step waits longer for what does not answer: a service that restarts is back in seconds, and nothing need fail
 * for it; nor if a host has its lease with its next heartbeat. A host that counts as down is not waited for.
 */
export const patienceOf =
  (d: ConductorDeps) =>
  async (error: unknown, waitedMs: number): Promise<boolean> => {
    if (waitedMs >= d.options.patienceMs) return false
    if (HostHasNoLease.is(error)) return isHostUp(d, String(error.params['host']))
    if (!NoServer.is(error)) return false
    const { topic, server } = error.params
    return topic !== computeContract.topic || isHostUp(d, String(server))
  }
