import { Fault } from '#base'
import type { ConductorDeps } from './deps.ts'

/** A build failed on the node: the scheduler prefers others until one succeeds there. What users cause is not counted. */
export async function countFailedBuild(d: ConductorDeps, nodeId: string, error: unknown): Promise<void> {
  if (d.options.countsFailedBuilds !== true) return
  if (error instanceof Fault && (error.kind === 'refused' || error.kind === 'missing')) return
  d.failingNodes?.add(nodeId)
  await d.store.computeNodes.countBuild(nodeId, 'failed', d.clock.now())
}

/** Costs nothing for nodes on which nothing failed. */
export async function countGoodBuild(d: ConductorDeps, nodeId: string): Promise<void> {
  if (d.failingNodes?.delete(nodeId) === true) await d.store.computeNodes.countBuild(nodeId, 'succeeded', d.clock.now())
}
