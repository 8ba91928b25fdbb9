import { anything, bool, fqdn, int, keyed, list, nonNegative, obj, oneOf, query, since, str, uuid } from '#api/kit'

const id = int.from('2.53', uuid)

/** Present when asked for; before 2.75 only when there are any. */
const servers = list(obj({ name: str, uuid })).optional()

export const plain = { id, hypervisor_hostname: str, state: oneOf('up', 'down'), status: oneOf('enabled', 'disabled') }
export const summary = { ...plain, servers: servers.since('2.53') }
/** The routes that 2.53 replaced by parameters. */
export const summaryWithServers = { ...plain, servers }

/** Numbers that placement knows better; gone in 2.88. */
const amount = int.until('2.88')

export const detail = {
  ...summary,
  hypervisor_type: str,
  hypervisor_version: int,
  host_ip: str.nullable(),
  service: obj({ id, host: str, disabled_reason: str.nullable() }),
  vcpus: amount,
  memory_mb: amount,
  local_gb: amount,
  vcpus_used: amount,
  memory_mb_used: amount,
  local_gb_used: amount,
  free_ram_mb: amount,
  free_disk_gb: amount,
  current_workload: amount,
  running_vms: amount,
  disk_available_least: int.nullable().until('2.88'),
  cpu_info: str.from('2.28', keyed({ '^.*$': anything })).until('2.88'),
  uptime: str.nullable().since('2.88'),
}

export const statistics = {
  count: int,
  current_workload: int,
  disk_available_least: int,
  free_disk_gb: int,
  free_ram_mb: int,
  local_gb: int,
  local_gb_used: int,
  memory_mb: int,
  memory_mb_used: int,
  running_vms: int,
  vcpus: int,
  vcpus_used: int,
}

const withServers = bool.optional().once().since('2.53')
export const showQuery = query({ with_servers: withServers }, { strict: since('2.53') })

const limit = nonNegative.optional()
const marker = str.optional()

export const listQuery = query(
  {
    limit: limit.since('2.33').from('2.53', limit.once()),
    marker: marker.since('2.33').from('2.53', marker.once()),
    hypervisor_hostname_pattern: fqdn.optional().once().since('2.53'),
    with_servers: withServers,
  },
  { strict: since('2.53') },
)
