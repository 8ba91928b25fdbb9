import type { CandidateQuery, RequestGroup } from '#cloud'
import type { RequestSpec } from '#model'
import type { SchedulerOptions } from './options.ts'
import { readExtraSpecs } from './placement-query/extra-specs.ts'
import { addDevices } from './placement-query/pci.ts'
import { addPinnedCpus, isPinned } from './placement-query/pinning.ts'
import { addPorts } from './placement-query/ports.ts'
import { ResourceRequest } from './placement-query/resource-request.ts'
import { translateFacilities } from './placement-query/translations.ts'
import type { QueryChange } from './request-filters/index.ts'

export interface QueryOptions {
  readonly options: SchedulerOptions
  /** What the request filters added. */
  readonly changes?: readonly QueryChange[]
  /** The compute node a destination named, if that is one. */
  readonly inTree?: string
  /** A destination that several nodes answer to: all of their candidates are wanted. */
  readonly isUnlimited?: boolean
}

/** Turns a request spec into what is asked of placement. */
export function candidateQuery(spec: RequestSpec, how: QueryOptions): CandidateQuery {
  return build(spec, how, true)
}

/**
 * The second question for pinned CPUs: hosts not yet upgraded report them as VCPU. Undefined when the request pins
 * nothing or the operator turned this off.
 */
export function fallbackQuery(spec: RequestSpec, how: QueryOptions): CandidateQuery | undefined {
  if (!isPinned(spec) || how.options.workarounds.disable_fallback_pcpu_query) return undefined
  return build(spec, how, false)
}

function build(spec: RequestSpec, how: QueryOptions, withPinning: boolean): CandidateQuery {
  const request = new ResourceRequest()
  const changes = how.changes ?? []
  const askedPolicy = readExtraSpecs(spec, request)
  const fromFlavor = request.groups().filter(({ suffix }) => suffix !== '').length
  if (withPinning) addPinnedCpus(spec, request)
  if (how.options.filter_scheduler.pci_in_placement) {
    addDevices(
      spec,
      request,
      changes.flatMap(change => change.deviceRequired ?? []),
    )
  }
  addPorts(spec, request)
  addDefaults(spec, request)
  translateFacilities(spec, request)
  const groups = request.groups().map(group => (group.suffix === '' ? confined(group, changes, how.inTree) : group))
  const suffixed = groups.filter(({ suffix }) => suffix !== '').length
  const groupPolicy = askedPolicy ?? (suffixed >= 2 && fromFlavor <= 1 ? 'none' : undefined)
  return {
    groups,
    ...(groupPolicy === undefined ? {} : { groupPolicy }),
    rootRequired: sorted(changes.flatMap(change => change.rootRequired ?? [])),
    rootForbidden: sorted(changes.flatMap(change => change.rootForbidden ?? [])),
    sameSubtrees: (spec.ports ?? []).flatMap(({ sameSubtree }) =>
      sameSubtree.length === 0 ? [] : [sorted(sameSubtree)],
    ),
    ...(isLimited(spec, how) ? { limit: how.options.scheduler.max_placement_results } : {}),
  }
}

/** CPUs, memory and disk of the flavor, unless its extra specs spoke of that class, be it with 0. */
function addDefaults({ flavor, isVolumeBacked }: RequestSpec, request: ResourceRequest): void {
  if (!request.has('VCPU') && !request.has('PCPU')) request.add('VCPU', flavor.vcpus)
  if (!request.has('MEMORY_MB')) request.add('MEMORY_MB', flavor.memoryMiB)
  if (!request.has('DISK_GB')) {
    const rootGiB = isVolumeBacked ? 0 : flavor.rootGiB
    request.add('DISK_GB', rootGiB + flavor.ephemeralGiB + Math.ceil(flavor.swapMiB / 1024))
  }
}

const confined = (group: RequestGroup, changes: readonly QueryChange[], inTree: string | undefined): RequestGroup => ({
  ...group,
  memberOf: changes
    .flatMap(({ memberOfAny, memberOfAll = [] }) =>
      memberOfAny === undefined ? memberOfAll : [memberOfAny, ...memberOfAll],
    )
    .map(sorted),
  notMemberOf: sorted(changes.flatMap(change => change.notMemberOf ?? [])),
  ...(inTree === undefined ? {} : { inTree }),
})

/** A limit cuts before the filters run, so it must not apply where a filter will leave only a few named hosts. */
const isLimited = ({ hints, serverGroup }: RequestSpec, how: QueryOptions): boolean =>
  !how.isUnlimited &&
  serverGroup === null &&
  !['group', 'same_host', 'different_host'].some(hint => (hints[hint] ?? []).length > 0)

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort()
