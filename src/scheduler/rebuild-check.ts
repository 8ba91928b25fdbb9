import type { InstanceId } from '#base'
import type { RequestSpec, SchedulingResult } from '#model'
import { zoneOf } from './aggregate-metadata.ts'
import type { HostFilter } from './filters/index.ts'
import type { HostSource } from './host-source.ts'
import type { SchedulerOptions } from './options.ts'
import { refusalMessage } from './refusal-text.ts'

/** Nova's hint by which a rebuild with a new image asks whether the server may stay where it is. */
export const isRebuildCheck = (spec: RequestSpec): boolean => spec.hints['_nova_check_type']?.[0] === 'rebuild'

/**
 * Asks the filters that care about images whether the host the server is on may keep it. No placement query, no claim:
 * the allocations stay as they are, so the selection names none.
 */
export async function checkRebuild(
  deps: { readonly hosts: HostSource; readonly options: SchedulerOptions; readonly filters: readonly HostFilter[] },
  spec: RequestSpec,
  instanceIds: readonly InstanceId[],
): Promise<SchedulingResult> {
  const { host: name = null, node = null } = spec.destination ?? {}
  const [found] = await deps.hosts.findNodes({ host: name, node })
  const [host] = found === undefined ? [] : await deps.hosts.hostStates([found.nodeId])
  if (host === undefined) return { ok: false, message: noSuchHost(name, node), refusals: [] }
  for (const filter of deps.filters.filter(one => one.runsOnRebuild)) {
    const verdict = filter.prepare({ spec, instanceId: instanceIds[0] ?? null, options: deps.options })?.(host) ?? true
    if (verdict === true) continue
    const refusals = [{ host: host.host, filter: filter.name, reason: verdict }]
    return { ok: false, message: refusalMessage(refusals), refusals }
  }
  const zone = zoneOf(host.aggregates, deps.options.default_availability_zone)
  const selection = { host: host.host, node: host.node, nodeId: host.nodeId, zone, allocations: {} }
  return { ok: true, selections: instanceIds.map(() => [selection]), refusals: [] }
}

/** Nova's words for a destination that no compute node answers to. */
export const noSuchHost = (host: string | null, node: string | null): string =>
  `No such host - host: ${host ?? 'None'} node: ${node ?? 'None'}`
