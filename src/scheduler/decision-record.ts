import { newUuid } from '#base'
import { candidateParams } from '#cloud'
import type { DecisionQuestion, DecisionRecord, FallenHosts, HostRefusal, RequestSpec } from '#model'
import type { SchedulingDecision } from './decision.ts'

/** Hosts named per filter and reason: of ten thousand that lack the same thing nobody reads all. */
const mostNamed = 100

const questionOf = (spec: RequestSpec): DecisionQuestion => ({
  projectId: spec.projectId,
  userId: spec.userId,
  flavor: spec.flavor.name,
  vcpus: spec.flavor.vcpus,
  memoryMiB: spec.flavor.memoryMiB,
  rootGiB: spec.flavor.rootGiB,
  ephemeralGiB: spec.flavor.ephemeralGiB,
  swapMiB: spec.flavor.swapMiB,
  extraSpecs: spec.flavor.extraSpecs,
  image: spec.image?.id ?? null,
  isVolumeBacked: spec.isVolumeBacked,
  zone: spec.requestedZone,
  destination: spec.destination,
  ignoreHosts: spec.ignoreHosts,
  hints: spec.hints,
  group: spec.serverGroup === null ? null : { id: spec.serverGroup.id, policy: spec.serverGroup.policy },
})

/** In the order in which the filters refused. */
function fallenHosts(refusals: readonly HostRefusal[]): readonly FallenHosts[] {
  const groups = new Map<string, { filter: string; reason: string; hosts: string[]; hostCount: number }>()
  for (const { host, filter, reason } of refusals) {
    const key = `${filter}\n${reason}`
    const group = groups.get(key) ?? { filter, reason, hosts: [], hostCount: 0 }
    groups.set(key, group)
    group.hostCount++
    if (group.hosts.length < mostNamed) group.hosts.push(host)
  }
  return [...groups.values()]
}

/** A decision as it is kept. */
export const recordOf = (decision: SchedulingDecision): DecisionRecord => ({
  id: newUuid(),
  requestId: decision.requestId,
  atMs: decision.atMs,
  tookMs: decision.tookMs,
  instanceIds: decision.instanceIds,
  isPlaced: decision.result.ok,
  message: decision.result.ok ? null : decision.result.message,
  asked: questionOf(decision.spec),
  requestFilters: decision.requestFilters,
  queries: decision.queries.map(query => decodeURIComponent(candidateParams(query).toString())),
  candidateCount: decision.candidateCount,
  hostCount: decision.hostCount,
  fellOut: fallenHosts(decision.refusals),
  lostClaims: decision.lostClaims,
  placed: decision.choices.map(({ instanceId, selection, alternates, hostCount, best }) => ({
    instanceId,
    host: selection.host,
    node: selection.node,
    zone: selection.zone,
    alternates: alternates.map(({ host }) => host),
    hostCount,
    best: best.map(({ host, weight, parts }) => ({ host: host.host, weight, parts })),
  })),
})
