import { createHash } from 'node:crypto'
import type { Links } from '#api/kit'
import { isoMicros, isoSeconds } from '#base'
import {
  type BlockDevice,
  guestName,
  type Instance,
  type InstanceFault,
  type RequestSpec,
  showsFault,
  showsProgress,
  statusOf,
  type Vif,
  zoneLeft,
} from '#model'
import { isServiceUp, type Service } from '#store'
import type { ApiDeps } from '../../deps.ts'

/** What a page of servers needs beside the rows; loaded with a fixed number of statements. */
export interface Extras {
  readonly tags: ReadonlyMap<string, readonly string[]>
  readonly faults: ReadonlyMap<string, InstanceFault>
  readonly zones: ReadonlyMap<string, string>
  readonly services: ReadonlyMap<string, Service>
  readonly specs: ReadonlyMap<string, RequestSpec>
  readonly devices: ReadonlyMap<string, readonly BlockDevice[]>
  /** Ids of server groups by server; not asked for where nobody shows them. */
  readonly groups: ReadonlyMap<string, string>
  readonly nowMs: number
}

const without = { tags: new Map(), faults: new Map(), specs: new Map(), devices: new Map(), groups: new Map() }

export async function loadExtras(
  deps: ApiDeps,
  instances: readonly Instance[],
  how: { readonly showsGroups?: true } = {},
): Promise<Extras> {
  const { store } = deps
  const ids = instances.map(i => i.id)
  const failed = instances.filter(i => showsFault(statusOf(i.vmState, i.taskState))).map(i => i.id)
  const [zones, services] = [await store.aggregates.zones(), await store.services.list({ binary: 'nova-compute' })]
  const own =
    ids.length === 0
      ? without
      : {
          tags: await store.tags.ofMany(ids),
          faults: await store.faults.newest(failed),
          specs: await store.requestSpecs.ofMany(ids),
          devices: await store.blockDevices.ofMany(ids),
          groups: how.showsGroups === true ? await store.serverGroups.ofServers(ids) : without.groups,
        }
  return { ...own, zones, services: new Map(services.map(s => [s.host, s])), nowMs: deps.clock.now() }
}

/** SHA-224 of project and host: the same host looks different to different projects. */
export const hostIdOf = (projectId: string, host: string | null): string =>
  host === null || host === ''
    ? ''
    : createHash('sha224')
        .update(projectId + host)
        .digest('hex')

export const zoneOf = (deps: ApiDeps, instance: Instance, zones: ReadonlyMap<string, string>): string =>
  instance.host === null
    ? (instance.systemMetadata[zoneLeft] ?? instance.requestedZone ?? '')
    : (zones.get(instance.host) ?? deps.settings.defaultZone)

export function addressesOf(vifs: readonly Vif[]) {
  const networks: Record<
    string,
    { version: number; addr: string; 'OS-EXT-IPS:type': string; 'OS-EXT-IPS-MAC:mac_addr': string }[]
  > = {}
  const show = (vif: Vif, addr: string, version: number, type: string) =>
    (networks[vif.label] ??= []).push({ version, addr, 'OS-EXT-IPS:type': type, 'OS-EXT-IPS-MAC:mac_addr': vif.mac })
  const addresses = vifs.flatMap(vif => vif.subnets.flatMap(s => s.ips).map(ip => ({ vif, ip })))
  // A network without addresses is shown too; floating addresses follow the fixed ones.
  for (const vif of vifs) networks[vif.label] ??= []
  for (const { vif, ip } of addresses) show(vif, ip.address, ip.version, 'fixed')
  for (const { vif, ip } of addresses) for (const floating of ip.floatingIps) show(vif, floating, 4, 'floating')
  return networks
}

function hostStatus(deps: ApiDeps, instance: Instance, extras: Extras): string {
  if (instance.host === null) return ''
  const service = extras.services.get(instance.host)
  if (service === undefined) return 'UNKNOWN'
  if (service.isForcedDown) return 'DOWN'
  if (!isServiceUp(service, extras.nowMs, deps.settings.serviceDownTimeMs)) return 'UNKNOWN'
  return service.isDisabled ? 'MAINTENANCE' : 'UP'
}

/** Details of our own errors are for administrators; what the user did wrong he may read. */
const faultView = (fault: InstanceFault, isAdmin: boolean) => ({
  code: fault.code,
  created: isoSeconds(fault.createdAtMs),
  message: fault.message,
  ...(fault.details !== null && (isAdmin || fault.code !== 500) ? { details: fault.details } : {}),
})

export interface Viewer {
  readonly links: Links
  readonly isAdmin: boolean
}

const addressOrEmpty = (address: string | null): string => address ?? ''

function imageView(instance: Instance, links: Links) {
  const { image } = instance
  if (image === null) return ''
  return {
    id: image.id,
    links: [{ rel: 'bookmark', href: links.bookmark('images', image.id) }],
    properties: image.properties,
  }
}

export function flavorView({ flavor }: Pick<Instance, 'flavor'>, links: Links) {
  return {
    id: flavor.flavorId,
    links: [{ rel: 'bookmark', href: links.bookmark('flavors', flavor.flavorId) }],
    vcpus: flavor.vcpus,
    ram: flavor.memoryMiB,
    disk: flavor.rootGiB,
    ephemeral: flavor.ephemeralGiB,
    swap: flavor.swapMiB,
    original_name: flavor.name,
    extra_specs: flavor.extraSpecs,
  }
}

/** Those with a volume; one that is still to be made has none. */
const volumesView = (devices: readonly BlockDevice[]) =>
  devices.flatMap(({ volumeId, deleteOnTermination }) =>
    volumeId === null ? [] : [{ id: volumeId, delete_on_termination: deleteOnTermination }],
  )

/** One server with every field of every version; the kit picks those of the version and of the caller's rights. */
export function serverView(deps: ApiDeps, instance: Instance, extras: Extras, { links, isAdmin }: Viewer) {
  const vmState = instance.isDeleted ? 'deleted' : instance.vmState
  const status = statusOf(vmState, instance.taskState)
  const fault = extras.faults.get(instance.id)
  const spec = extras.specs.get(instance.id)
  return {
    id: instance.id,
    name: instance.displayName,
    status,
    tenant_id: instance.projectId,
    user_id: instance.userId,
    metadata: instance.metadata,
    hostId: hostIdOf(instance.projectId, instance.host),
    image: imageView(instance, links),
    flavor: flavorView(instance, links),
    created: isoSeconds(instance.createdAtMs),
    updated: isoSeconds(instance.updatedAtMs ?? instance.createdAtMs),
    addresses: addressesOf(instance.networkInfo),
    accessIPv4: addressOrEmpty(instance.accessIpV4),
    accessIPv6: addressOrEmpty(instance.accessIpV6),
    links: links.both('servers', instance.id),
    'OS-DCF:diskConfig': instance.systemMetadata['disk_config'] ?? 'MANUAL',
    ...(showsProgress(status) ? { progress: instance.progress } : {}),
    ...(showsFault(status) && fault !== undefined ? { fault: faultView(fault, isAdmin) } : {}),
    'OS-EXT-AZ:availability_zone': zoneOf(deps, instance, extras.zones),
    pinned_availability_zone: spec?.requestedZone ?? null,
    config_drive: instance.hasConfigDrive ? 'True' : '',
    key_name: instance.key?.name ?? null,
    'OS-SRV-USG:launched_at': instance.launchedAtMs === null ? null : isoMicros(instance.launchedAtMs),
    'OS-SRV-USG:terminated_at': instance.terminatedAtMs === null ? null : isoMicros(instance.terminatedAtMs),
    'OS-EXT-SRV-ATTR:host': instance.host,
    'OS-EXT-SRV-ATTR:instance_name': guestName(instance.number),
    'OS-EXT-SRV-ATTR:hypervisor_hostname': instance.node,
    'OS-EXT-SRV-ATTR:reservation_id': instance.reservationId,
    'OS-EXT-SRV-ATTR:launch_index': instance.launchIndex,
    'OS-EXT-SRV-ATTR:hostname': instance.hostname,
    'OS-EXT-SRV-ATTR:kernel_id': instance.image?.properties['kernel_id'] ?? '',
    'OS-EXT-SRV-ATTR:ramdisk_id': instance.image?.properties['ramdisk_id'] ?? '',
    'OS-EXT-SRV-ATTR:root_device_name': instance.rootDeviceName,
    'OS-EXT-SRV-ATTR:user_data': instance.userData,
    'OS-EXT-STS:task_state': instance.taskState,
    'OS-EXT-STS:vm_state': vmState,
    'OS-EXT-STS:power_state': instance.powerState,
    'os-extended-volumes:volumes_attached': volumesView(extras.devices.get(instance.id) ?? []),
    locked: instance.lockedBy !== null,
    locked_reason: instance.lockedReason,
    host_status: hostStatus(deps, instance, extras),
    description: instance.description,
    tags: extras.tags.get(instance.id) ?? [],
    trusted_image_certificates: instance.trustedImageCertificates,
    ...(instance.securityGroups.length === 0
      ? {}
      : { security_groups: instance.securityGroups.map(name => ({ name })) }),
    scheduler_hints: hintsView(spec),
    server_groups: extras.groups.has(instance.id) ? [extras.groups.get(instance.id) ?? ''] : [],
  }
}

/** A hint with one value is shown as that value, as it was most likely given. */
const hintsView = (spec: RequestSpec | undefined): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(spec?.hints ?? {}).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )

export const summaryView = (instance: Instance, links: Links) => ({
  id: instance.id,
  name: instance.displayName,
  links: links.both('servers', instance.id),
})
