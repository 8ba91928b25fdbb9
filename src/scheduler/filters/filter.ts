import type { InstanceId } from '#base'
import type { RequestSpec } from '#model'
import type { SchedulerHost } from '../host-source.ts'
import type { SchedulerOptions } from '../options.ts'

/** What a filter or weigher may know of the request. The server group grows while a multi-create is placed. */
export interface PlacedRequest {
  readonly spec: RequestSpec
  readonly instanceId: InstanceId | null
  readonly options: SchedulerOptions
}

/** True, or why the host is refused: what was needed and what is there. */
export type Verdict = true | string
export type HostCheck = (host: SchedulerHost) => Verdict

/**
 * One rule about hosts. `prepare` reads the request once; the check then runs per host and must not look at anything
 * but the host. Null means that this request cannot be refused by the rule on any host.
 */
export interface HostFilter {
  /** Nova's class name: what stands in enabled_filters and in the explanation. */
  readonly name: string
  /** Its answer cannot change between the instances of one request, so it is asked for the first only. */
  readonly isOncePerRequest: boolean
  /** It also guards a rebuild with a new image on the host where the server is. */
  readonly runsOnRebuild: boolean
  prepare(request: PlacedRequest): HostCheck | null
}
