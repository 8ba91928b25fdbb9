import type { RequestSpec } from '#model'
import type { About } from '../build/about.ts'
import { pythonTime } from '../build/times.ts'

/** One without versions; `service` and `host` are its publisher where that is not the usual one. */
export interface Unversioned {
  readonly eventType: string
  readonly payload: unknown
  readonly service?: string
  readonly host?: string
}

const aggregateActions: Readonly<Record<string, string>> = {
  add_host: 'addhost',
  remove_host: 'removehost',
  update_metadata: 'updatemetadata',
  update_prop: 'updateprop',
}

export function ofAggregate(event: string, { aggregate, moved }: About['AggregatePayload']): Unversioned | undefined {
  const [, action = '', phase = ''] = event.split('.')
  if (action === 'cache_images') return undefined
  const { id, name, uuid, metadata } = aggregate
  const payload = {
    ...(id === null ? {} : { aggregate_id: id }),
    ...(action === 'create' || action === 'update_prop' ? { name } : {}),
    ...(action === 'create' ? { uuid } : {}),
    ...(action === 'create' || action === 'update_metadata' ? { meta_data: metadata ?? {} } : {}),
    ...(moved === undefined ? {} : { host_name: moved, ...(phase === 'end' ? { name } : {}) }),
  }
  return {
    eventType: `aggregate.${aggregateActions[action] ?? action}.${phase}`,
    payload,
    service: 'aggregate',
    host: String(id ?? name),
  }
}

export const ofKeypair = (event: string, { keypair, projectId }: About['KeypairPayload']): Unversioned => ({
  eventType: event,
  payload: { tenant_id: projectId, user_id: keypair.userId, key_name: keypair.name },
})

export function ofGroup(event: string, { group }: About['ServerGroupPayload']): Unversioned {
  const action = event.slice('server_group.'.length).replace('_', '')
  const { id, name, policy, members } = group
  const payload = {
    server_group_id: id,
    ...(action === 'create' ? { name, policies: [policy] } : {}),
    ...(action === 'addmember' ? { instance_uuids: members } : {}),
  }
  return { eventType: `servergroup.${action}`, payload, service: 'servergroup' }
}

/** A request as it was written before it had versions. */
const requestSpec = (spec: RequestSpec, instanceId: string, count: number) => ({
  image: spec.image === null ? {} : { id: spec.image.id, name: spec.image.name, properties: spec.image.properties },
  instance_properties: {
    uuid: instanceId,
    project_id: spec.projectId,
    user_id: spec.userId,
    availability_zone: spec.requestedZone,
    memory_mb: spec.flavor.memoryMiB,
    vcpus: spec.flavor.vcpus,
    root_gb: spec.flavor.rootGiB,
    ephemeral_gb: spec.flavor.ephemeralGiB,
  },
  instance_type: {
    flavorid: spec.flavor.flavorId,
    name: spec.flavor.name,
    memory_mb: spec.flavor.memoryMiB,
    vcpus: spec.flavor.vcpus,
    root_gb: spec.flavor.rootGiB,
    ephemeral_gb: spec.flavor.ephemeralGiB,
    swap: spec.flavor.swapMiB,
    rxtx_factor: spec.flavor.rxtxFactor,
    extra_specs: spec.flavor.extraSpecs,
  },
  num_instances: count,
})

export const ofScheduler = (event: string, about: About['RequestSpecPayload']): Unversioned => ({
  eventType: event,
  payload: { request_spec: requestSpec(about.spec, about.instanceId, about.count) },
})

export function ofTask(event: string, about: About['ComputeTaskPayload']): Unversioned {
  const method = event.split('.')[1] ?? ''
  const spec = about.spec === null ? {} : requestSpec(about.spec, about.instanceId, 1)
  return {
    eventType: `compute_task.${method}`,
    service: 'compute_task',
    payload: {
      request_spec: spec,
      instance_properties: 'instance_properties' in spec ? spec.instance_properties : {},
      instance_id: about.instanceId,
      state: about.state,
      method,
      reason: about.failure.fault.message,
    },
  }
}

/** Named after what failed. */
export const ofException = ({ failure, instanceId }: About['ExceptionPayload']): Unversioned => ({
  eventType: failure.function,
  payload: { exception: `${failure.fault.code}: ${failure.fault.message}`, args: { instance_id: instanceId } },
})

export const ofLibvirt = ({ ip, failure }: About['LibvirtErrorPayload']): Unversioned => ({
  eventType: 'compute.libvirt.error',
  payload: { ip, method: '_connect', reason: failure.fault.message },
})

export const ofMetrics = ({ host, hostIp, node, metrics }: About['MetricsPayload']): Unversioned => ({
  eventType: 'compute.metrics.update',
  payload: {
    host,
    host_ip: hostIp,
    nodename: node,
    metrics: metrics.map(({ name, value, source, timestampMs }) => ({
      name,
      value,
      source,
      timestamp: pythonTime(timestampMs),
    })),
  },
})

export const ofVolume = ({ usage }: About['VolumeUsagePayload']): Unversioned => ({
  eventType: 'volume.usage',
  payload: {
    volume_id: usage.volumeId,
    tenant_id: usage.projectId,
    user_id: usage.userId,
    availability_zone: usage.zone,
    instance_id: usage.instanceId,
    last_refreshed: usage.refreshedMs === null ? '' : pythonTime(usage.refreshedMs),
    reads: usage.reads,
    read_bytes: usage.readBytes,
    writes: usage.writes,
    write_bytes: usage.writeBytes,
  },
})
