import type { InstanceId } from '#base'
import { grantOf, type HostDemand, type HostOccupancy, isPlain, type RequestSpec, withStates } from '#model'
import type { SchedulerHost } from './host-source.ts'

/** The host as it will be with one more instance of this request; the snapshot itself is shared and stays. */
export function consume(
  host: SchedulerHost,
  spec: RequestSpec,
  instanceId: InstanceId,
  demand?: HostDemand,
): SchedulerHost {
  const { flavor } = spec
  const diskGiB = (spec.isVolumeBacked ? 0 : flavor.rootGiB) + flavor.ephemeralGiB
  return {
    ...host,
    ...(demand === undefined || isPlain(demand) || host.occupancy === undefined
      ? {}
      : { occupancy: occupied(host.occupancy, demand, instanceId) }),
    ramFreeMiB: host.ramFreeMiB - flavor.memoryMiB,
    diskFreeMiB: host.diskFreeMiB - diskGiB * 1024 - flavor.swapMiB,
    vcpusUsed: host.vcpusUsed + flavor.vcpus,
    numInstances: host.numInstances + 1,
    numIoOps: host.numIoOps + 1,
    instanceIds: new Set(host.instanceIds).add(instanceId),
  }
}

/** The same choice as the claim makes: what one instance gets, the next does not find. */
function occupied(host: HostOccupancy, demand: HostDemand, consumerId: InstanceId): HostOccupancy {
  const answer = grantOf(host, demand)
  if ('refusal' in answer) return host
  const { numa, devices } = answer.grant
  const requests = new Map(devices.map(({ address, requestId }) => [address, requestId]))
  const taken = host.devices.map(device => {
    const requestId = requests.get(device.address)
    return requestId === undefined ? device : { ...device, state: 'claimed' as const, consumerId, requestId }
  })
  return { ...host, guests: numa === null ? host.guests : [...host.guests, numa], devices: withStates(taken) }
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
