import { instanceId } from '#base'
import type { SchedulerHost } from '../host-source.ts'

/** The first of these server ids, given as text by a user, that runs on the host. */
export const anyInstanceOf = (host: SchedulerHost, ids: readonly string[]): string | undefined =>
  ids.find(id => host.instanceIds.has(instanceId(id.toLowerCase())) || host.instanceIds.has(instanceId(id)))
