import type { InstanceId } from '#base'
import type { RequestSpec } from '#model'
import type { SchedulerHost } from './host-source.ts'

/** The host as it will be with one more instance of this request; the snapshot itself is shared and stays. */
export function consume(host: SchedulerHost, spec: RequestSpec, instanceId: InstanceId): SchedulerHost {
  const { flavor } = spec
  const diskGiB = (spec.isVolumeBacked ? 0 : flavor.rootGiB) + flavor.ephemeralGiB
  return {
    ...host,
    ramFreeMiB: host.ramFreeMiB - flavor.memoryMiB,
    diskFreeMiB: host.diskFreeMiB - diskGiB * 1024 - flavor.swapMiB,
    vcpusUsed: host.vcpusUsed + flavor.vcpus,
    numInstances: host.numInstances + 1,
    numIoOps: host.numIoOps + 1,
    instanceIds: new Set(host.instanceIds).add(instanceId),
  }
}

/** The request as the next instance sees it: the group, if there is one, has a member more. */
export function withMember(spec: RequestSpec, host: string, instanceId: InstanceId): RequestSpec {
  const group = spec.serverGroup
  if (group === null) return spec
  return {
    ...spec,
    serverGroup: {
      ...group,
      hosts: group.hosts.includes(host) ? group.hosts : [...group.hosts, host],
      members: group.members.includes(instanceId) ? group.members : [...group.members, instanceId],
    },
  }
}
