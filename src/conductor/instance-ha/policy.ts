import type { Aggregate } from '#store'
import type { HaPolicy } from '../deps.ts'

/** In an aggregate's metadata. */
const policyKey = 'instance_ha'

/** Of this host. Where its aggregates contradict each other nothing is evacuated, and so for any word but `evacuate`. */
export function policyOf(host: string, aggregates: readonly Aggregate[], defaultPolicy: HaPolicy): HaPolicy {
  const said = aggregates
    .filter(({ hosts }) => hosts.includes(host))
    .flatMap(({ metadata }) => metadata[policyKey] ?? [])
  if (said.length === 0) return defaultPolicy
  return said.every(word => word === 'evacuate') ? 'evacuate' : 'none'
}
