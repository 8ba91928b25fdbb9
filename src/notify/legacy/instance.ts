import type { Instance, Vif } from '#model'
import type { About, AboutInstance, Desk, Failure } from '../build/about.ts'
import { auditPeriod, statesOf } from '../build/instance.ts'
import type { InstanceFacts } from '../build/instance-facts.ts'
import { legacyTime, pythonTime } from '../build/times.ts'
import type { EventType } from '../events.ts'
import { tellsAddresses } from './names.ts'

/** What the original keeps of an image with its server. */
const imageMeta = ({ image, flavor }: Instance): Readonly<Record<string, string>> =>
  image === null
    ? {}
    : {
        ...image.properties,
        base_image_ref: image.id,
        container_format: image.containerFormat,
        disk_format: image.diskFormat,
        min_disk: String(flavor.rootGiB),
        min_ram: String(image.minRamMiB),
      }

const fixedIps = ({ subnets, label, mac }: Vif) =>
  subnets.flatMap(({ ips }) =>
    ips.map(({ address, version, floatingIps }) => ({
      address,
      version,
      type: 'fixed',
      floating_ips: floatingIps,
      meta: {},
      label,
      vif_mac: mac,
    })),
  )

/** What every unversioned payload of a server has. */
function usage({ settings }: Desk, { instance, zone }: InstanceFacts): Record<string, unknown> {
  const { flavor, image } = instance
  const properties = image?.properties ?? {}
  return {
    tenant_id: instance.projectId,
    user_id: instance.userId,
    instance_id: instance.id,
    display_name: instance.displayName,
    reservation_id: instance.reservationId,
    hostname: instance.hostname,
    instance_type: flavor.name,
    instance_type_id: flavor.number,
    instance_flavor_id: flavor.flavorId,
    architecture: properties['hw_architecture'] ?? properties['architecture'] ?? null,
    memory_mb: flavor.memoryMiB,
    disk_gb: flavor.rootGiB + flavor.ephemeralGiB,
    vcpus: flavor.vcpus,
    root_gb: flavor.rootGiB,
    ephemeral_gb: flavor.ephemeralGiB,
    host: instance.host,
    node: instance.node,
    availability_zone: zone,
    cell_name: '',
    created_at: `${pythonTime(Math.trunc(instance.createdAtMs / 1000) * 1000)}+00:00`,
    terminated_at: legacyTime(instance.terminatedAtMs),
    deleted_at: legacyTime(instance.deletedAtMs),
    launched_at: legacyTime(instance.launchedAtMs),
    image_ref_url: image === null ? '' : `${settings.imagesUrl}${image.id}`,
    os_type: properties['os_type'] ?? null,
    kernel_id: properties['kernel_id'] ?? '',
    ramdisk_id: properties['ramdisk_id'] ?? '',
    state: instance.vmState,
    state_description: instance.taskState ?? '',
    progress: instance.progress === 0 ? '' : instance.progress,
    access_ip_v4: instance.accessIpV4,
    access_ip_v6: instance.accessIpV6,
    image_meta: imageMeta(instance),
    metadata: instance.metadata,
  }
}

/** As Nova writes an exception into a payload without versions. */
const failed = ({ fault }: Failure) => ({
  exception: `${fault.code}: ${fault.message}`,
  message: fault.message,
  code: fault.status,
})

type Any = AboutInstance &
  Partial<About['InstanceUpdatePayload'] & About['InstanceExistsPayload']> & {
    readonly newFlavor?: About['InstanceActionResizePrepPayload']['newFlavor']
  }

function updated(desk: Desk, { instance }: InstanceFacts, { stateUpdate, oldDisplayName }: Any) {
  const states = stateUpdate ?? statesOf(instance)
  const { beginMs, endMs } = auditPeriod(desk, true)
  return {
    old_state: states.oldState,
    state: states.state,
    old_task_state: states.oldTaskState,
    new_task_state: states.newTaskState,
    audit_period_beginning: legacyTime(beginMs),
    audit_period_ending: legacyTime(endMs),
    bandwidth: {},
    ...(oldDisplayName == null ? {} : { old_display_name: oldDisplayName }),
  }
}

function existing(desk: Desk, { period }: Any) {
  const { beginMs, endMs } = period ?? auditPeriod(desk, true)
  return { audit_period_beginning: pythonTime(beginMs), audit_period_ending: pythonTime(endMs), bandwidth: {} }
}

/** What an event adds to it. */
function extra(event: EventType, desk: Desk, facts: InstanceFacts, about: Any): Record<string, unknown> {
  const { image } = facts.instance
  const [, action = '', phase] = event.split('.')
  switch (action) {
    case 'update':
      return updated(desk, facts, about)
    case 'exists':
      return existing(desk, about)
    case 'create':
      if (phase === 'start') return { image_name: image?.name ?? '' }
      return phase === 'end' ? { message: 'Success' } : {}
    case 'rebuild':
      return phase === 'error' ? {} : { image_name: image?.name ?? '' }
    case 'rescue':
      return { rescue_image_name: image?.name ?? '' }
    case 'resize_prep':
      return about.newFlavor == null
        ? {}
        : { new_instance_type: about.newFlavor.name, new_instance_type_id: about.newFlavor.number }
    case 'volume_attach':
    case 'volume_detach':
      return { volume_id: (about as { readonly volumeId?: string }).volumeId ?? null }
    default:
      return {}
  }
}

export const instanceUsage = (event: EventType, desk: Desk, facts: InstanceFacts, about: AboutInstance) => ({
  ...usage(desk, facts),
  ...(tellsAddresses.has(event) ? { fixed_ips: facts.instance.networkInfo.flatMap(fixedIps) } : {}),
  ...extra(event, desk, facts, about as Any),
  ...(about.failure === undefined ? {} : failed(about.failure)),
})
