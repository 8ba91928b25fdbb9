/** The service itself: its zone, its processes, its one pool, and what it can do. */
import { statfs } from 'node:fs/promises'
import { GiB, isoMicros, type JsonRecord } from '#base'
import { flagOf, paramOf, sendJson } from '#http'
import { capabilities } from '../capabilities.ts'
import { requireAdmin } from '../core.ts'
import { invalidInput, Missing } from '../faults.ts'
import type { ServiceRow } from '../store/rows.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { type Exchange, type Parts, route } from './exchange.ts'
import { filterNames } from './filter-names.ts'
import { since } from './microversion.ts'

const binaries = ['cinder-volume', 'cinder-scheduler'] as const

const hostOf = (x: Exchange, binary: string): string => {
  const backend = x.core.pool.split('#')[0] ?? x.core.pool
  return binary === 'cinder-volume' ? backend : (backend.split('@')[0] ?? backend)
}

const serviceRow = (x: Exchange, binary: string): ServiceRow =>
  x.core.state.table('volume_services').get(binary) ?? { binary, disabled: 0, disabled_reason: null }

function serviceView(x: Exchange, binary: string): JsonRecord {
  const row = serviceRow(x, binary)
  const isVolume = binary === 'cinder-volume'
  return {
    binary,
    host: hostOf(x, binary),
    zone: x.core.zone,
    status: row.disabled === 1 ? 'disabled' : 'enabled',
    // It answers, so it is up.
    state: 'up',
    updated_at: isoMicros(x.core.clock.now()),
    ...(isVolume ? since(x, 49, { backend_state: 'up' }) : {}),
    ...since(x, 7, { cluster: null }),
    disabled_reason: row.disabled_reason,
    ...(isVolume ? { replication_status: 'disabled', active_backend_id: null, frozen: false } : {}),
  } as JsonRecord
}

function listServices(x: Exchange) {
  requireAdmin(x.actor, 'volume_extension:services:index')
  const [host, binary] = [x.query.get('host'), x.query.get('binary')]
  const services = binaries
    .filter(name => binary === null || name === binary)
    .filter(name => host === null || hostOf(x, name) === host || hostOf(x, name).split('@')[0] === host)
    .map(name => serviceView(x, name))
  return sendJson(x.reply, 200, { services })
}

const updates = ['enable', 'disable', 'disable-log-reason'] as const

async function updateService(x: Exchange) {
  const action = updates.find(known => known === paramOf(x.request, 'id'))
  const fields = new Fields('body', jsonOf(x.request))
  requireAdmin(x.actor, 'volume_extension:services:update')
  if (['freeze', 'thaw', 'failover_host', 'failover'].includes(paramOf(x.request, 'id'))) {
    throw invalidInput('The pool of files is not replicated and cannot be frozen.')
  }
  if (action === undefined) throw Missing({ reason: 'Unknown action' })
  const binary = fields.text('binary') ?? fields.text('service') ?? ''
  const host = fields.text('host') ?? ''
  const reason = fields.text('disabled_reason')
  if (action === 'disable-log-reason' && reason === undefined) {
    throw badField('body', fields.record, "'disabled_reason' is a required property")
  }
  if (!binaries.some(name => name === binary && hostOf(x, name) === host)) {
    throw Missing({ reason: `Service ${binary} could not be found on host ${host}.` })
  }
  const row = { binary, disabled: action === 'enable' ? 0 : 1, disabled_reason: reason ?? null }
  await x.core.state.change(change => change.put('volume_services', row))
  const status = action === 'enable' ? 'enabled' : 'disabled'
  const answer = { host, service: binary, disabled: row.disabled === 1, binary, status }
  return sendJson(x.reply, 200, reason === undefined ? answer : { ...answer, disabled_reason: reason })
}

async function pools(x: Exchange) {
  requireAdmin(x.actor, 'scheduler_extension:scheduler_stats:get_pools')
  const name = x.query.get('name')
  if (name !== null && x.version >= 28 && name !== x.core.pool) return sendJson(x.reply, 200, { pools: [] })
  if (!flagOf(x.query, 'detail')) return sendJson(x.reply, 200, { pools: [{ name: x.core.pool }] })
  const { bavail, blocks, bsize } = await statfs(x.core.files.folder)
  const rows = x.core.state.table('volume_volumes').all()
  const detailed = {
    ...capabilities,
    total_capacity_gb: Math.floor((blocks * bsize) / GiB),
    free_capacity_gb: Math.floor((bavail * bsize) / GiB),
    allocated_capacity_gb: rows.reduce((sum, row) => sum + row.size_gib, 0),
    provisioned_capacity_gb: rows.reduce((sum, row) => sum + row.size_gib, 0),
    timestamp: isoMicros(x.core.clock.now()),
  }
  return sendJson(x.reply, 200, { pools: [{ name: x.core.pool, capabilities: detailed }] })
}

function hosts(x: Exchange) {
  requireAdmin(x.actor, 'volume_extension:hosts')
  const zone = x.query.get('zone')
  const all = binaries.map(binary => ({
    host_name: hostOf(x, binary),
    service: binary,
    zone: x.core.zone,
    'service-status': 'available',
    'service-state': serviceRow(x, binary).disabled === 1 ? 'disabled' : 'enabled',
    'last-update': isoMicros(x.core.clock.now()),
  }))
  return sendJson(x.reply, 200, { hosts: all.filter(host => zone === null || zone === '' || host.zone === zone) })
}

/** Totals of the pool, and of each project. */
function host(x: Exchange) {
  requireAdmin(x.actor, 'volume_extension:hosts')
  if (x.id !== hostOf(x, 'cinder-volume')) throw Missing({ reason: `Host ${x.id} could not be found.` })
  const { state } = x.core
  const [volumes, snapshots] = [state.table('volume_volumes').all(), state.table('volume_snapshots').all()]
  const resource = (project: string, isIn: (row: { project_id: string }) => boolean) => {
    const [mine, copies] = [volumes.filter(isIn), snapshots.filter(isIn)]
    const sum = (rows: readonly { size_gib: number }[]) => String(rows.reduce((total, row) => total + row.size_gib, 0))
    return {
      resource: {
        host: x.id,
        project,
        volume_count: String(mine.length),
        total_volume_gb: sum(mine),
        snapshot_count: String(copies.length),
        total_snapshot_gb: sum(copies),
      },
    }
  }
  const projects = [...new Set(volumes.map(row => row.project_id))]
  const each = projects.map(project => resource(project, row => row.project_id === project))
  return sendJson(x.reply, 200, { host: [resource('(total)', () => true), ...each] })
}

const extensions = [
  ['AdminActions', 'os-admin-actions'],
  ['AvailabilityZones', 'os-availability-zone'],
  ['ExtendedSnapshotAttributes', 'os-extended-snapshot-attributes'],
  ['Hosts', 'os-hosts'],
  ['Qos_specs_manage', 'qos-specs'],
  ['QuotaClasses', 'os-quota-class-sets'],
  ['Quotas', 'os-quota-sets'],
  ['SchedulerHints', 'OS-SCH-HNT'],
  ['Scheduler_stats', 'scheduler-stats'],
  ['Services', 'os-services'],
  ['SnapshotActions', 'os-snapshot-actions'],
  ['TypesExtraSpecs', 'os-types-extra-specs'],
  ['TypesManage', 'os-types-manage'],
  ['UsedLimits', 'os-used-limits'],
  ['VolumeActions', 'os-volume-actions'],
  ['VolumeEncryptionMetadata', 'os-volume-encryption-metadata'],
  ['VolumeHostAttribute', 'os-vol-host-attr'],
  ['VolumeImageMetadata', 'os-vol-image-meta'],
  ['VolumeMigStatusAttribute', 'os-vol-mig-status-attr'],
  ['VolumeTenantAttribute', 'os-vol-tenant-attr'],
  ['VolumeTransfer', 'os-volume-transfer'],
  ['VolumeTypeAccess', 'os-volume-type-access'],
  ['VolumeTypeEncryption', 'encryption'],
] as const

const extensionView = ([name, alias]: readonly [string, string]) => ({
  name,
  alias,
  description: `${name} support.`,
  links: [],
  updated: '2012-01-01T00:00:00+00:00',
})

const filters: Readonly<Record<string, readonly string[]>> = filterNames

function resourceFilters(x: Exchange) {
  const resource = x.query.get('resource')
  const names = resource === null ? Object.keys(filters) : [resource].filter(name => Object.hasOwn(filters, name))
  const resource_filters = names.map(name => ({ resource: name, filters: filters[name] ?? [] }))
  return sendJson(x.reply, 200, { resource_filters })
}

function described(x: Exchange) {
  requireAdmin(x.actor, 'volume_extension:capabilities')
  if (x.id !== x.core.pool && x.id !== hostOf(x, 'cinder-volume')) {
    throw Missing({ reason: `Can't find service: ${x.id}` })
  }
  return sendJson(x.reply, 200, {
    namespace: `OS::Storage::Capabilities::${hostOf(x, 'cinder-volume')}`,
    vendor_name: capabilities.vendor_name,
    volume_backend_name: capabilities.volume_backend_name,
    pool_name: capabilities.pool_name,
    driver_version: capabilities.driver_version,
    storage_protocol: capabilities.storage_protocol,
    display_name: 'Raw files',
    description: 'Sparse raw files in one folder',
    visibility: 'public',
    replication_targets: [],
    properties: {},
  })
}

export function cloudRoutes(parts: Parts): void {
  route(parts, 'GET', '/os-availability-zone', x =>
    sendJson(x.reply, 200, { availabilityZoneInfo: [{ zoneName: x.core.zone, zoneState: { available: true } }] }),
  )
  route(parts, 'GET', '/os-services', listServices)
  route(parts, 'PUT', '/os-services/:id', updateService)
  route(parts, 'GET', '/scheduler-stats/get_pools', pools)
  route(parts, 'GET', '/os-hosts', hosts)
  route(parts, 'GET', '/os-hosts/:id', host)
  route(parts, 'GET', '/capabilities/:id', described)
  route(parts, 'GET', '/resource_filters', resourceFilters, { since: 33 })
  route(parts, 'GET', '/extensions', x => sendJson(x.reply, 200, { extensions: extensions.map(extensionView) }))
  route(parts, 'GET', '/extensions/:id', x => {
    const found = extensions.find(([, alias]) => alias === x.id)
    if (found === undefined) throw Missing({ reason: `Extension ${x.id} could not be found.` })
    return sendJson(x.reply, 200, { extension: extensionView(found) })
  })
}
