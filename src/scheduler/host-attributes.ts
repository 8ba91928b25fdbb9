import type { SchedulerHost } from './host-source.ts'

/** Names under which flavors (`capabilities:x`) and query hints (`$x`) read a host: those of Nova's HostState. */
const attributes = new Map<string, (host: SchedulerHost) => unknown>([
  ['host', h => h.host],
  ['nodename', h => h.node],
  ['hypervisor_hostname', h => h.node],
  ['uuid', h => h.nodeId],
  ['cell_uuid', h => h.cellId],
  ['host_ip', h => h.hostIp],
  ['hypervisor_type', h => h.hypervisorType],
  ['hypervisor_version', h => h.hypervisorVersion],
  ['supported_instances', h => h.supportedInstances],
  ['cpu_info', h => h.cpuInfo],
  ['vcpus_total', h => h.vcpusTotal],
  ['vcpus_used', h => h.vcpusUsed],
  ['total_usable_ram_mb', h => h.ramTotalMiB],
  ['free_ram_mb', h => h.ramFreeMiB],
  ['total_usable_disk_gb', h => h.diskTotalGiB],
  ['free_disk_mb', h => h.diskFreeMiB],
  ['disk_mb_used', h => h.diskTotalGiB * 1024 - h.diskFreeMiB],
  ['num_instances', h => h.numInstances],
  ['num_io_ops', h => h.numIoOps],
  ['io_workload', h => h.numIoOps],
  ['failed_builds', h => h.failedBuilds],
  ['cpu_allocation_ratio', h => h.cpuAllocationRatio],
  ['ram_allocation_ratio', h => h.ramAllocationRatio],
  ['disk_allocation_ratio', h => h.diskAllocationRatio],
])

const counted = /^num_(vm|task|proj|os_type)_/
/** A count of servers that is not read unless somebody asks for it. */
export const isServerCount = (name: string): boolean => counted.test(name)

/** True if the host has an attribute or a `stats` key of this name. */
export const hasHostAttribute = (host: SchedulerHost, name: string): boolean =>
  attributes.has(name) || host.stats?.has(name) === true

/** The value at a path such as `['cpu_info', 'vendor']`; undefined when the host has none. */
export function hostAttribute(host: SchedulerHost, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined) return undefined
  let value: unknown = attributes.has(name) ? attributes.get(name)?.(host) : host.stats?.get(name)
  for (const key of rest) {
    if (typeof value === 'string') value = parsed(value)
    value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
    if (value === undefined || value === null) return undefined
  }
  return value ?? undefined
}

/** The text that Nova's comparisons see: Python prints lists and truth values its own way. */
export function attributeText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`
  if (isRecord(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quoted(key)}: ${quoted(item)}`)
      .join(', ')}}`
  }
  return String(value)
}

const quoted = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : attributeText(value))

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
