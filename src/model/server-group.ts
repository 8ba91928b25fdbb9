import type { InstanceId } from '#base'
import type { RequestSpec } from './request-spec.ts'

export const serverGroupPolicies = ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'] as const
export type ServerGroupPolicy = (typeof serverGroupPolicies)[number]

/** Servers that want to be together, or apart. */
export interface ServerGroup {
  /** Database number; clients see `id`. */
  readonly number: number
  readonly id: string
  readonly name: string
  readonly projectId: string
  readonly userId: string
  readonly policy: ServerGroupPolicy
  /** For anti-affinity only. */
  readonly rules: { readonly max_server_per_host?: number }
  /** In the order they joined. */
  readonly members: readonly InstanceId[]
}

/** How many servers of an anti-affinity group one host may have. */
export const maxServerPerHost = ({ rules }: ServerGroup): number => rules.max_server_per_host ?? 1

/**
 * Whether these servers may all be on the host, given where the group's other members are (one entry per member).
 * Undefined, or the policy that is violated, as Nova writes it.
 */
export function violatedPolicy(
  group: ServerGroup,
  host: string,
  hostsOfOthers: readonly string[],
): 'Affinity' | 'Anti-affinity' | undefined {
  if (group.policy === 'affinity') return hostsOfOthers.some(other => other !== host) ? 'Affinity' : undefined
  if (group.policy !== 'anti-affinity') return undefined
  return hostsOfOthers.filter(other => other === host).length >= maxServerPerHost(group) ? 'Anti-affinity' : undefined
}

/** What the scheduler is told of a group: which of its members live, and where they are now. */
export const groupInSpec = (
  group: ServerGroup,
  places: readonly { readonly id: string; readonly host: string | null }[],
): NonNullable<RequestSpec['serverGroup']> => {
  const living = new Set(places.map(place => place.id))
  return {
    id: group.id,
    policy: group.policy,
    maxServerPerHost: maxServerPerHost(group),
    hosts: [...new Set(places.flatMap(({ host }) => (host === null ? [] : [host])))],
    members: group.members.filter(member => living.has(member)),
  }
}
