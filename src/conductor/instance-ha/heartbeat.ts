import type { LeaseAnswer } from '#bus'
import type { ConductorDeps } from '../deps.ts'

/**
 * A daemon is alive; one that keeps a lease learns whether its guests may go on. First written, then looked: a fence comes
 * either before, and is seen, or after, and then finds a host that was heard of.
 */
export async function takeHeartbeat(
  { store, clock }: ConductorDeps,
  host: string,
  binary: string,
  leaseMs: number | null,
): Promise<{ lease: LeaseAnswer } | null> {
  await store.services.heartbeat(binary, [host], clock.now(), leaseMs)
  if (leaseMs === null) return null
  const fence = (await store.services.find(host, binary))?.fence ?? null
  return { lease: fence === null ? 'granted' : 'refused' }
}
