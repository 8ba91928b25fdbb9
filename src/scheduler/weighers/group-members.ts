import type { RequestSpec } from '#model'
import type { SchedulerHost } from '../host-source.ts'

/** Counts the group's members on a host. */
export const membersOn = (group: NonNullable<RequestSpec['serverGroup']>) => (host: SchedulerHost) => {
  let count = 0
  for (const member of group.members) if (host.instanceIds.has(member)) count++
  return count
}
