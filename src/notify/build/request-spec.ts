import { type InstanceImage, numaTopology, type PciRequest, type RequestSpec } from '#model'
import type { Field } from '../payloads/fields.ts'
import { payloads, type Wire, wire } from '../payloads/index.ts'
import { flavorPayload } from './flavor.ts'

const isYes = (text: string): boolean => /^(1|t|true|on|y|yes)$/i.test(text)

/** Undefined: not what the field can hold, and then it is left out, as Nova leaves it unset. */
function typed(text: string, field: Field): unknown {
  switch (field) {
    case 'boolean':
      return isYes(text)
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : undefined
    case 'string':
      return text
    case 'specs':
      try {
        return JSON.parse(text) as unknown
      } catch {
        return undefined
      }
    default:
      return undefined
  }
}

/** Lists that images hold as several properties: `hw_numa_cpus.0`, `trait:X=required`. */
function listed(properties: Readonly<Record<string, string>>): Record<string, unknown> {
  const numbered = (name: string) =>
    Object.keys(properties)
      .filter(key => key.startsWith(`${name}.`))
      .sort((a, b) => Number(a.slice(name.length + 1)) - Number(b.slice(name.length + 1)))
      .map(key => properties[key] ?? '')
  const cpus = numbered('hw_numa_cpus').map(text => text.split(',').flatMap(range))
  const memory = numbered('hw_numa_mem').map(Number)
  const traits = Object.entries(properties).filter(([key, value]) => key.startsWith('trait:') && value === 'required')
  return {
    ...(cpus.length === 0 ? {} : { hw_numa_cpus: cpus }),
    ...(memory.length === 0 ? {} : { hw_numa_mem: memory }),
    ...(traits.length === 0 ? {} : { traits_required: traits.map(([key]) => key.slice('trait:'.length)) }),
  }
}

function range(text: string): readonly number[] {
  const [from = 0, to = from] = text.split('-').map(Number)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

function propertiesPayload(properties: Readonly<Record<string, string>>): Wire<'ImageMetaPropsPayload'> {
  const { fields } = payloads.ImageMetaPropsPayload
  const known = Object.entries(properties).flatMap(([name, text]) => {
    const field = fields[name]
    const value = field === undefined ? undefined : typed(text, field)
    return value === undefined ? [] : [[name, value] as const]
  })
  return wire('ImageMetaPropsPayload', { ...Object.fromEntries(known), ...listed(properties) })
}

const imagePayload = (image: InstanceImage): Wire<'ImageMetaPayload'> =>
  wire('ImageMetaPayload', {
    id: image.id === '' ? null : image.id,
    name: image.name,
    status: null,
    visibility: null,
    protected: null,
    checksum: image.checksum,
    owner: null,
    size: image.sizeBytes,
    virtual_size: null,
    container_format: image.containerFormat,
    disk_format: image.diskFormat,
    created_at: null,
    updated_at: null,
    tags: null,
    direct_url: null,
    min_ram: image.minRamMiB,
    min_disk: image.minDiskGiB,
    properties: propertiesPayload(image.properties),
  })

const pciPayload = (request: PciRequest): Wire<'InstancePCIRequestPayload'> =>
  wire('InstancePCIRequestPayload', {
    count: request.count,
    spec: request.specs,
    alias_name: request.aliasName,
    request_id: request.id,
    numa_policy: request.numaPolicy,
  })

function numaPayload(spec: RequestSpec, instanceId: string): Wire<'InstanceNUMATopologyPayload'> | null {
  const topology = numaTopology({ flavor: spec.flavor, imageProperties: spec.image?.properties ?? {} })
  if (topology === undefined) return null
  return wire('InstanceNUMATopologyPayload', {
    instance_uuid: instanceId,
    emulator_threads_policy: topology.emulatorPolicy,
    cells: topology.cells.map(cell =>
      wire('InstanceNUMACellPayload', {
        id: cell.id,
        cpuset: cell.cpus.filter(cpu => !cell.pinned.includes(cpu)),
        pcpuset: cell.pinned,
        cpuset_reserved: null,
        memory: cell.memoryMiB,
        pagesize: topology.pageSizeKiB ?? null,
        cpu_topology: null,
        cpu_pinning_raw: null,
        cpu_policy: topology.cpuPolicy,
        cpu_thread_policy: topology.threadPolicy,
      }),
    ),
  })
}

export function requestSpecPayload(spec: RequestSpec, instanceId: string, count: number): Wire<'RequestSpecPayload'> {
  const { destination, serverGroup: group } = spec
  const forced = destination?.isForced === true ? destination : null
  const requested = destination?.isForced === false ? destination : null
  const { pciRequests = [] } = spec
  return wire('RequestSpecPayload', {
    instance_uuid: instanceId,
    project_id: spec.projectId,
    user_id: spec.userId,
    availability_zone: spec.requestedZone,
    flavor: flavorPayload(spec.flavor),
    image: spec.image === null ? null : imagePayload(spec.image),
    num_instances: count,
    numa_topology: numaPayload(spec, instanceId),
    pci_requests: wire('InstancePCIRequestsPayload', {
      instance_uuid: instanceId,
      requests: pciRequests.map(pciPayload),
    }),
    ignore_hosts: spec.ignoreHosts.length === 0 ? null : spec.ignoreHosts,
    force_hosts: forced?.host ?? null,
    force_nodes: forced?.node ?? null,
    requested_destination:
      requested?.host == null
        ? null
        : wire('DestinationPayload', {
            host: requested.host,
            ...(requested.node === null ? {} : { node: requested.node }),
            aggregates: null,
          }),
    // Alternates are tried without asking the scheduler again.
    retry: null,
    scheduler_hints: spec.hints,
    security_groups: [],
    instance_group:
      group === null
        ? null
        : wire('ServerGroupPayload', {
            uuid: group.id,
            name: null,
            user_id: spec.userId,
            project_id: spec.projectId,
            policies: [group.policy],
            policy: group.policy,
            rules: group.policy === 'anti-affinity' ? { max_server_per_host: String(group.maxServerPerHost) } : {},
            members: group.members,
            hosts: group.hosts,
          }),
  })
}
