import type { CandidateQuery, PlacementPort } from '#cloud'
import { disabledTrait } from '#cloud'
import type { HostRefusal, RequestSpec } from '#model'
import { computeFilter, computeServiceCheck } from './filters/compute-filter.ts'
import type { HostSource, SchedulerHost } from './host-source.ts'

export interface ExplainDeps {
  readonly placement: Pick<PlacementPort, 'explain'>
  readonly hosts: HostSource
}

/**
 * Why the hosts that never became candidates did not, in placement's words and under the hosts' names. Asked only when
 * nothing fitted, for it looks at every provider there is.
 */
export async function placementRefusals(
  deps: ExplainDeps,
  query: CandidateQuery,
  spec: RequestSpec,
): Promise<readonly HostRefusal[]> {
  const named = query.groups.find(group => group.inTree !== undefined)?.inTree
  const all = await deps.placement.explain(query)
  // The request named a host: what is wrong with the others is not the question.
  const refused = named === undefined ? all : all.filter(({ providerId }) => providerId === named)
  if (refused.length === 0) return []
  const hosts = await deps.hosts.hostStates(refused.map(({ providerId }) => providerId))
  const byNode = new Map(hosts.map(host => [host.nodeId, host]))
  return refused.map(({ providerId, providerName, reason }) => {
    const host = byNode.get(providerId)
    return {
      host: host?.host ?? providerName,
      ...(disabled(host, reason) ?? { filter: 'Placement', reason: withNames(reason, spec) }),
    }
  })
}

/** Groups of ports and devices go by ids that nobody has seen. */
function withNames(reason: string, { ports = [], pciRequests = [] }: RequestSpec): string {
  let text = reason
  for (const port of ports) for (const { id } of port.groups) text = text.replaceAll(`group ${id}:`, `port ${port.id}:`)
  for (const { id, aliasName } of pciRequests)
    text = text.replaceAll(new RegExp(`group ${id}-\\d+:`, 'g'), `PCI device ${aliasName ?? id}:`)
  return text
}

/** A disabled host lacks nothing but a service; that and its reason say more than a trait's name. */
function disabled(host: SchedulerHost | undefined, reason: string): Pick<HostRefusal, 'filter' | 'reason'> | undefined {
  if (host === undefined || host.isEnabled || !reason.includes(disabledTrait)) return undefined
  const verdict = computeServiceCheck(host)
  return verdict === true ? undefined : { filter: computeFilter.name, reason: verdict }
}
