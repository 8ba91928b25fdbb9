import type { JsonRecord } from '#base'
import { flagOf, sendJson } from '#http'
import { mapOf, requireAdmin, requireWriter } from '../core.ts'
import { Invalid, noSnapshot } from '../faults.ts'
import { changeSnapshot, createSnapshot, deleteSnapshot, seenSnapshot } from '../snapshots.ts'
import type { SnapshotRow } from '../store/rows.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { filterNames } from './filter-names.ts'
import {
  type Collection,
  equals,
  type FilterRules,
  hasAll,
  literalOf,
  pageOf,
  type Reader,
  testsOf,
} from './listing.ts'
import { snapshotDetail, snapshotExtended, snapshotView } from './views.ts'
import { noAction } from './volume-actions.ts'

const readers: Readonly<Record<string, Reader<SnapshotRow>>> = {
  id: row => row.id,
  name: row => row.name,
  display_name: row => row.name,
  description: row => row.description,
  status: row => row.status,
  volume_id: row => row.volume_id,
  volume_size: row => row.size_gib,
  size: row => row.size_gib,
  created_at: row => row.created_at_ms,
  updated_at: row => row.updated_at_ms,
  project_id: row => row.project_id,
  user_id: row => row.user_id,
}

const collection: Omit<Collection<SnapshotRow>, 'path'> = {
  links: 'snapshots_links',
  idOf: row => row.id,
  sortKeys: readers,
  noMarker: noSnapshot,
}

const rules: FilterRules<SnapshotRow> = {
  forAll: [...filterNames.snapshot, 'consumes_quota'],
  tests: {
    ...Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, equals(read)])),
    metadata: value => row => hasAll(mapOf(row.metadata), literalOf(value)),
    availability_zone: (value, x) => () => value === x.core.zone,
    consumes_quota: value => () => ['true', '1'].includes(value.toLowerCase()),
  },
  since: { metadata: 22, consumes_quota: 65 },
}

function list(x: Exchange, isDetailed: boolean) {
  const tests = testsOf(x, rules)
  const table = x.core.state.table('volume_snapshots')
  const isForAll = x.actor.isAdmin && flagOf(x.query, 'all_tenants')
  const all = isForAll ? table.all() : table.by('project', x.actor.projectId)
  const rows = all.filter(row => tests.every(test => test(row)))
  const page = pageOf(x, { ...collection, path: isDetailed ? 'snapshots/detail' : 'snapshots' }, rows)
  const view = isDetailed ? snapshotExtended : snapshotView
  const count = x.version >= 45 && flagOf(x.query, 'with_count') ? { count: rows.length } : {}
  return sendJson(x.reply, 200, { snapshots: page.rows.map(row => view(x, row)), ...page.links, ...count })
}

const forceIsInvalid =
  "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored."

async function create(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('snapshot').record, 'snapshot')
  fields.only('name', 'display_name', 'description', 'volume_id', 'force', 'metadata')
  // Null is no volume that could be found; nothing at all is a mistake.
  const volumeId = fields.has('volume_id') ? (fields.uuid('volume_id') ?? 'None') : fields.requiredUuid('volume_id')
  const force = fields.flag('force')
  // Since 3.66 a volume in use needs no force.
  const isFree = x.version >= 66
  if (isFree && force === false) throw Invalid({ reason: forceIsInvalid })
  const row = await createSnapshot(x.core, x.actor, {
    volumeId,
    name: (fields.text('name') ?? fields.text('display_name'))?.trim() ?? null,
    description: fields.text('description')?.trim() ?? null,
    metadata: fields.texts('metadata') ?? {},
    isForced: isFree || force === true,
  })
  return sendJson(x.reply, 202, { snapshot: snapshotDetail(x, row) })
}

async function update(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('snapshot').record, 'snapshot')
  const names = ['name', 'description', 'display_name', 'display_description']
  fields.only(...names)
  if (!names.some(name => fields.has(name))) {
    throw badField('snapshot', fields.record, 'is not valid under any of the given schemas')
  }
  seenSnapshot(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume:update_snapshot')
  const isNamed = fields.has('name') || fields.has('display_name')
  const isDescribed = fields.has('description') || fields.has('display_description')
  const name = (fields.text('name') ?? fields.text('display_name'))?.trim() ?? null
  const description = (fields.text('description') ?? fields.text('display_description'))?.trim() ?? null
  const row = await changeSnapshot(x.core, x.actor, x.id, now => ({
    ...now,
    ...(isNamed ? { name } : {}),
    ...(isDescribed ? { description } : {}),
  }))
  return sendJson(x.reply, 200, { snapshot: snapshotDetail(x, row) })
}

const statuses = [
  'creating',
  'available',
  'deleting',
  'error',
  'error_deleting',
  'restoring',
  'unmanaging',
  'backing-up',
]

async function resetStatus(x: Exchange, body: JsonRecord) {
  const status = Fields.of(body, 'os-reset_status').required('status').toLowerCase()
  if (!statuses.includes(status)) throw badField('status', status, `'${status}' is not a 'snapshot_status'`)
  seenSnapshot(x.core, x.actor, x.id)
  requireAdmin(x.actor, 'volume_extension:snapshot_admin_actions:reset_status')
  await changeSnapshot(x.core, x.actor, x.id, row => ({ ...row, status }))
  return accepted(x)
}

/** What Nova says about a snapshot that the hypervisor makes. */
const nextStatus: Readonly<Record<string, readonly string[]>> = {
  creating: ['creating', 'available', 'error'],
  deleting: ['deleting', 'error_deleting'],
}

async function updateStatus(x: Exchange, body: JsonRecord) {
  const fields = Fields.of(body, 'os-update_snapshot_status').only('status', 'progress')
  const status = fields.required('status')
  const progress = fields.text('progress')
  seenSnapshot(x.core, x.actor, x.id)
  requireWriter(x.actor, 'snapshot_extension:snapshot_actions:update_snapshot_status')
  await changeSnapshot(x.core, x.actor, x.id, row => {
    const allowed = nextStatus[row.status]
    if (allowed === undefined)
      throw Invalid({ reason: `Snapshot status ${row.status} not allowed for update_snapshot_status` })
    if (!allowed.includes(status)) {
      throw Invalid({
        reason: `Provided snapshot status ${status} not allowed for snapshot with status ${row.status}.`,
      })
    }
    return { ...row, status, ...(progress === undefined ? {} : { progress }) }
  })
  return accepted(x)
}

async function act(x: Exchange) {
  const body = jsonOf(x.request)
  const [name = ''] = Object.keys(body)
  if (name === 'os-reset_status') return resetStatus(x, body)
  if (name === 'os-update_snapshot_status') return updateStatus(x, body)
  if (name !== 'os-force_delete') throw noAction(name)
  seenSnapshot(x.core, x.actor, x.id)
  requireAdmin(x.actor, 'volume_extension:snapshot_admin_actions:force_delete')
  await deleteSnapshot(x.core, x.actor, x.id, true)
  return accepted(x)
}

export function snapshotRoutes(parts: Parts): void {
  route(parts, 'GET', '/snapshots', x => list(x, false))
  route(parts, 'GET', '/snapshots/detail', x => list(x, true))
  route(parts, 'POST', '/snapshots', create)
  route(parts, 'GET', '/snapshots/:id', x =>
    sendJson(x.reply, 200, { snapshot: snapshotExtended(x, seenSnapshot(x.core, x.actor, x.id)) }),
  )
  route(parts, 'PUT', '/snapshots/:id', update)
  route(parts, 'DELETE', '/snapshots/:id', async x => {
    await deleteSnapshot(x.core, x.actor, x.id)
    return accepted(x)
  })
  route(parts, 'POST', '/snapshots/:id/action', act)
}
