import { type BlockDevice, completedPeriod, type Instance, powerWords, type ServerShare, type Vif } from '#model'
import { type DataOf, type Wire, wire } from '../payloads/index.ts'
import type { AboutInstance, Desk, StateUpdate } from './about.ts'
import { exceptionPayload } from './exception.ts'
import { flavorPayload } from './flavor.ts'
import type { InstanceFacts } from './instance-facts.ts'
import { objectTime, objectTimeOrNull } from './times.ts'

const ipPayloads = ({ subnets, mac, label, portId, devName }: Vif): readonly Wire<'IpPayload'>[] =>
  subnets.flatMap(({ ips }) =>
    ips.map(({ address, version }) =>
      wire('IpPayload', { label, mac, meta: {}, port_uuid: portId, version, address, device_name: devName }),
    ),
  )

const devicePayloads = (devices: readonly BlockDevice[]): readonly Wire<'BlockDevicePayload'>[] =>
  devices.flatMap(({ volumeId, deviceName, bootIndex, deleteOnTermination, tag }) =>
    volumeId === null
      ? []
      : [
          wire('BlockDevicePayload', {
            device_name: deviceName,
            boot_index: bootIndex,
            delete_on_termination: deleteOnTermination,
            volume_id: volumeId,
            tag,
          }),
        ],
  )

// Where it lies is left out: the location may tell how to get at it.
const sharePayload = ({ id, shareId, status, tag }: ServerShare): Wire<'SharePayload'> =>
  wire('SharePayload', { share_mapping_uuid: id, share_id: shareId, status, tag })

/** What every payload of a server has. Nothing in it is secret: no password, no user data, no injected file. */
export function instanceData(desk: Desk, facts: InstanceFacts): DataOf<'InstancePayload'> {
  const { instance, zone, devices, shares } = facts
  const { userId, projectId, requestId } = desk.initiator
  const properties = instance.image?.properties ?? {}
  return {
    uuid: instance.id,
    user_id: instance.userId,
    tenant_id: instance.projectId,
    reservation_id: instance.reservationId,
    display_name: instance.displayName,
    display_description: instance.description,
    host_name: instance.hostname,
    host: instance.host,
    node: instance.node,
    os_type: properties['os_type'] ?? null,
    architecture: properties['hw_architecture'] ?? properties['architecture'] ?? null,
    availability_zone: zone,
    flavor: flavorPayload(instance.flavor),
    // A server that boots from a volume has an empty one.
    image_uuid: instance.image?.id ?? '',
    key_name: instance.key?.name ?? null,
    kernel_id: properties['kernel_id'] ?? '',
    ramdisk_id: properties['ramdisk_id'] ?? '',
    created_at: objectTime(instance.createdAtMs),
    launched_at: objectTimeOrNull(instance.launchedAtMs),
    terminated_at: objectTimeOrNull(instance.terminatedAtMs),
    deleted_at: objectTimeOrNull(instance.deletedAtMs),
    updated_at: objectTimeOrNull(instance.updatedAtMs),
    state: instance.vmState,
    power_state: powerWords[instance.powerState],
    task_state: instance.taskState,
    progress: instance.progress,
    ip_addresses: instance.networkInfo.flatMap(ipPayloads),
    block_devices: devices === null ? null : devicePayloads(devices),
    metadata: instance.metadata,
    locked: instance.lockedBy !== null,
    auto_disk_config: instance.systemMetadata['disk_config'] ?? 'MANUAL',
    // What nobody has asked for has no request.
    request_id: userId !== null && projectId !== null ? requestId : null,
    action_initiator_user: userId,
    action_initiator_project: projectId,
    locked_reason: instance.lockedReason,
    shares: shares === null ? null : shares.map(sharePayload),
  }
}

export const actionData = (
  desk: Desk,
  facts: InstanceFacts,
  { failure }: AboutInstance,
): DataOf<'InstanceActionPayload'> => ({
  ...instanceData(desk, facts),
  fault: failure === undefined ? null : exceptionPayload(failure),
})

/** The last period that is over, or with `isCurrent` the one that is not. */
export function auditPeriod({ nowMs, settings }: Desk, isCurrent: boolean) {
  const last = completedPeriod(settings.auditPeriod, nowMs)
  return isCurrent ? { beginMs: last.endMs, endMs: nowMs } : last
}

export const auditPayload = ({ beginMs, endMs }: { beginMs: number; endMs: number }): Wire<'AuditPeriodPayload'> =>
  wire('AuditPeriodPayload', {
    audit_period_beginning: objectTime(beginMs),
    audit_period_ending: objectTime(endMs),
  })

/** As they are now, where nothing is said of a change. */
export const statesOf = ({ vmState, taskState }: Instance): StateUpdate => ({
  oldState: vmState,
  state: vmState,
  oldTaskState: taskState,
  newTaskState: taskState,
})

export const statePayload = (states: StateUpdate): Wire<'InstanceStateUpdatePayload'> =>
  wire('InstanceStateUpdatePayload', {
    old_state: states.oldState,
    state: states.state,
    old_task_state: states.oldTaskState,
    new_task_state: states.newTaskState,
  })
