import type { ServerGroup } from '#model'
import type { Service } from '#store'
import { type Wire, wire } from '../payloads/index.ts'
import type { About, AggregateFacts, KeypairFacts } from './about.ts'
import { objectTime, objectTimeOrNull } from './times.ts'

export const aggregatePayload = ({ id, uuid, name, hosts, metadata }: AggregateFacts): Wire<'AggregatePayload'> =>
  wire('AggregatePayload', { id, uuid, name, hosts, metadata })

export const cachePayload = (about: About['AggregateCachePayload']): Wire<'AggregateCachePayload'> =>
  wire('AggregateCachePayload', {
    id: about.aggregate.id,
    uuid: about.aggregate.uuid,
    name: about.aggregate.name,
    host: about.asked,
    images_cached: about.cached,
    images_failed: about.failed,
    index: about.index,
    total: about.total,
  })

export const keypairPayload = (key: KeypairFacts): Wire<'KeypairPayload'> =>
  wire('KeypairPayload', {
    user_id: key.userId,
    name: key.name,
    type: key.type,
    public_key: key.publicKey,
    fingerprint: key.fingerprint,
  })

export const metricsPayload = ({ host, hostIp, node, metrics }: About['MetricsPayload']): Wire<'MetricsPayload'> =>
  wire('MetricsPayload', {
    host: host ?? '',
    host_ip: hostIp,
    nodename: node,
    metrics: metrics.map(({ name, value, source, timestampMs }) =>
      wire('MetricPayload', {
        name,
        value,
        source,
        timestamp: objectTime(timestampMs),
        numa_membw_values: null,
      }),
    ),
  })

export const groupPayload = (group: Omit<ServerGroup, 'number'>): Wire<'ServerGroupPayload'> =>
  wire('ServerGroupPayload', {
    uuid: group.id,
    name: group.name,
    user_id: group.userId,
    project_id: group.projectId,
    policies: [group.policy],
    policy: group.policy,
    rules: Object.fromEntries(Object.entries(group.rules).map(([rule, value]) => [rule, String(value)])),
    members: group.members,
    // Where they are is known to the scheduler only.
    hosts: null,
  })

export const servicePayload = (service: Service, zone: string | null): Wire<'ServiceStatusPayload'> =>
  wire('ServiceStatusPayload', {
    host: service.host,
    binary: service.binary,
    topic: service.topic,
    report_count: service.reportCount,
    disabled: service.isDisabled,
    disabled_reason: service.disabledReason,
    availability_zone: zone,
    last_seen_up: service.reportCount === 0 ? null : objectTime(service.lastSeenAtMs),
    forced_down: service.isForcedDown,
    version: service.version,
    uuid: service.uuid,
  })

export const volumeUsagePayload = ({ usage }: About['VolumeUsagePayload']): Wire<'VolumeUsagePayload'> =>
  wire('VolumeUsagePayload', {
    volume_id: usage.volumeId,
    project_id: usage.projectId,
    user_id: usage.userId,
    availability_zone: usage.zone,
    instance_uuid: usage.instanceId,
    last_refreshed: objectTimeOrNull(usage.refreshedMs),
    reads: usage.reads,
    read_bytes: usage.readBytes,
    writes: usage.writes,
    write_bytes: usage.writeBytes,
  })
