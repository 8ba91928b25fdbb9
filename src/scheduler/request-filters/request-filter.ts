import type { RequestSpec } from '#model'
import type { AggregateWithHosts } from '../host-source.ts'
import type { SchedulerOptions } from '../options.ts'
import type { RoutedNetworks } from './routed-networks.ts'

/** What a request filter may look at. */
export interface FilterableRequest {
  readonly spec: RequestSpec
  readonly options: SchedulerOptions
  readonly aggregates: readonly AggregateWithHosts[]
  /** The least version of nova-compute there is; undefined: not known. */
  readonly oldestCompute?: number
  /** Where the request's networks are; only where the operator wants that asked. */
  readonly routed?: RoutedNetworks
}

/** What it adds to the placement query. */
export interface QueryChange {
  readonly rootRequired?: readonly string[]
  readonly rootForbidden?: readonly string[]
  /** The host must be in one of these aggregates (uuids). */
  readonly memberOfAny?: readonly string[]
  /** The same, several times over. */
  readonly memberOfAll?: readonly (readonly string[])[]
  /** Traits of the providers of PCI devices. */
  readonly deviceRequired?: readonly string[]
  /** The host must be in none of these aggregates (uuids). */
  readonly notMemberOf?: readonly string[]
}

export type RequestFilterResult =
  /** `says` is for the decision record: what it did and why. */
  { readonly says: string; readonly change?: QueryChange } | { readonly refuses: string }

/**
 * One rule that turns a request into conditions for placement. It never drops hosts itself: what it adds is asked of
 * placement before any host is looked at.
 */
export interface RequestFilter {
  /** Nova's function name. */
  readonly name: string
  /** Null when it has nothing to say about this request. */
  apply(request: FilterableRequest): RequestFilterResult | null
}
