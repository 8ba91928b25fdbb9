import { flagOf, paramOf, sendJson } from '#http'
import { changeVolume, mapOf, requireAdmin, requireWriter, seenVolume } from '../core.ts'
import { encryptionOf } from '../encryption.ts'
import { Invalid, Missing, noVolume } from '../faults.ts'
import type { VolumeRow } from '../store/rows.ts'
import { createVolume, deleteVolume } from '../volumes.ts'
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
  timeTest,
} from './listing.ts'
import { volumeDetail, volumeSummary, volumeView } from './views.ts'

const readers: Readonly<Record<string, Reader<VolumeRow>>> = {
  id: row => row.id,
  name: row => row.name,
  display_name: row => row.name,
  description: row => row.description,
  display_description: row => row.description,
  status: row => row.status,
  size: row => row.size_gib,
  created_at: row => row.created_at_ms,
  updated_at: row => row.updated_at_ms,
  project_id: row => row.project_id,
  user_id: row => row.user_id,
  availability_zone: row => row.availability_zone,
  attach_status: row => row.attach_status,
  migration_status: row => row.migration_status,
  volume_type_id: row => row.volume_type_id,
  snapshot_id: row => row.snapshot_id,
  source_volid: row => row.source_volid,
  bootable: row => row.is_bootable,
}

const collection: Omit<Collection<VolumeRow>, 'path'> = {
  links: 'volumes_links',
  idOf: row => row.id,
  sortKeys: readers,
  noMarker: noVolume,
}

function booleanTest(name: string, read: (row: VolumeRow) => number) {
  return (value: string, x: Exchange) => {
    const isTrue = ['true', '1', 'yes', 'on', 't', 'y'].includes(value.toLowerCase())
    const isFalse = ['false', '0', 'no', 'off', 'f', 'n'].includes(value.toLowerCase())
    if (!isTrue && !isFalse && x.version >= 2) {
      throw Invalid({ reason: `Invalid input received: '${name}={${value}}'` })
    }
    return (row: VolumeRow) => read(row) === (isTrue ? 1 : 0)
  }
}

const rules: FilterRules<VolumeRow> = {
  forAll: [...filterNames.volume, 'glance_metadata', 'consumes_quota'],
  tests: {
    ...Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, equals(read)])),
    bootable: booleanTest('bootable', row => row.is_bootable),
    multiattach: booleanTest('multiattach', row => row.is_multiattach),
    consumes_quota: booleanTest('consumes_quota', () => 1),
    host: (value, x) => () => value === x.core.pool,
    metadata: value => row => hasAll(mapOf(row.metadata), literalOf(value)),
    glance_metadata: value => row => hasAll(mapOf(row.image_metadata), literalOf(value)),
    created_at: timeTest('created_at', row => row.created_at_ms),
    updated_at: timeTest('updated_at', row => row.updated_at_ms),
  },
  since: { glance_metadata: 4, group_id: 10, created_at: 60, updated_at: 60, consumes_quota: 65 },
}

/** Of the caller's project, or of all for an administrator who says so. */
function listed(x: Exchange): VolumeRow[] {
  const table = x.core.state.table('volume_volumes')
  const isForAll = x.actor.isAdmin && flagOf(x.query, 'all_tenants')
  return isForAll ? table.all() : table.by('project', x.actor.projectId)
}

function list(x: Exchange, isDetailed: boolean) {
  const tests = testsOf(x, rules)
  const rows = listed(x).filter(row => tests.every(test => test(row)))
  const page = pageOf(x, { ...collection, path: isDetailed ? 'volumes/detail' : 'volumes' }, rows)
  const view = isDetailed ? volumeDetail : volumeSummary
  const count = x.version >= 45 && flagOf(x.query, 'with_count') ? { count: rows.length } : {}
  return sendJson(x.reply, 200, { volumes: page.rows.map(row => view(x, row)), ...page.links, ...count })
}

function summary(x: Exchange) {
  const rows = listed(x)
  const metadata: Record<string, string[]> = {}
  for (const row of rows) {
    for (const [key, value] of Object.entries(mapOf(row.metadata))) {
      metadata[key] = [...new Set([...(metadata[key] ?? []), value])]
    }
  }
  const total = { total_count: rows.length, total_size: rows.reduce((sum, row) => sum + row.size_gib, 0) }
  return sendJson(x.reply, 200, { 'volume-summary': { ...total, ...(x.version >= 36 ? { metadata } : {}) } })
}

/** Names are kept without the blanks around them. */
const trimmed = (fields: Fields, ...names: readonly string[]): string | null => {
  for (const name of names) {
    const text = fields.text(name)
    if (text !== undefined) return text.trim()
  }
  return null
}

const createNames =
  'name description display_name display_description volume_type metadata snapshot_id source_volid consistencygroup_id size availability_zone multiattach image_id imageRef group_id backup_id scheduler_hints'.split(
    ' ',
  )

function refuseUnsupported(fields: Fields): void {
  for (const [name, word] of [
    ['group_id', 'Group'],
    ['consistencygroup_id', 'Group'],
  ] as const) {
    const id = fields.text(name)
    if (id !== undefined) throw Missing({ reason: `${word} ${id} could not be found.` })
  }
  const backup = fields.uuid('backup_id')
  if (backup !== undefined) throw Missing({ reason: `Backup ${backup} could not be found.` })
}

async function create(x: Exchange) {
  const body = jsonOf(x.request)
  new Fields('body', body).only('volume', 'OS-SCH-HNT:scheduler_hints')
  const fields = Fields.of(body, 'volume')
  if (x.version >= 53) fields.only(...createNames)
  const wish = {
    name: trimmed(fields, 'name', 'display_name'),
    description: trimmed(fields, 'description', 'display_description'),
    sizeGiB: fields.integer('size', 1),
    imageRef: fields.text('image_id') ?? fields.text('imageRef'),
    snapshotId: fields.uuid('snapshot_id'),
    sourceVolumeId: fields.uuid('source_volid'),
    type: fields.text('volume_type') || undefined,
    zone: fields.text('availability_zone', { min: 1 }),
    metadata: fields.texts('metadata') ?? {},
    // Cinder 21 refuses what every Cinder before it took, and Tempest 33 still asks for.
    isMultiattach: fields.flag('multiattach') === true,
  }
  refuseUnsupported(fields)
  return sendJson(x.reply, 202, { volume: volumeView(x, await createVolume(x.core, x.actor, wish)) })
}

async function update(x: Exchange) {
  const body = jsonOf(x.request)
  const fields = Fields.of(new Fields('body', body).only('volume').record, 'volume')
  const names = ['name', 'description', 'display_name', 'display_description', 'metadata']
  fields.only(...names)
  if (x.version >= 53 && !names.some(name => fields.has(name))) {
    throw badField('volume', fields.record, 'is not valid under any of the given schemas')
  }
  const seen = seenVolume(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume:update')
  const metadata = fields.texts('metadata')
  const isNamed = fields.has('name') || fields.has('display_name')
  const isDescribed = fields.has('description') || fields.has('display_description')
  const row = await changeVolume(x.core, seen.id, now => ({
    ...now,
    ...(isNamed ? { name: trimmed(fields, 'name', 'display_name') } : {}),
    ...(isDescribed ? { description: trimmed(fields, 'description', 'display_description') } : {}),
    ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
  }))
  return sendJson(x.reply, 200, { volume: volumeView(x, row) })
}

async function remove(x: Exchange) {
  const isForced = x.version >= 23 && flagOf(x.query, 'force')
  seenVolume(x.core, x.actor, x.id)
  if (isForced) requireAdmin(x.actor, 'volume:force_delete')
  await deleteVolume(x.core, x.actor, x.id, { isForced, isCascade: flagOf(x.query, 'cascade') })
  return accepted(x)
}

export function volumeRoutes(parts: Parts): void {
  route(parts, 'GET', '/volumes', x => list(x, false))
  route(parts, 'GET', '/volumes/detail', x => list(x, true))
  route(parts, 'GET', '/volumes/summary', summary, { since: 12 })
  route(parts, 'POST', '/volumes', create)
  route(parts, 'GET', '/volumes/:id', x =>
    sendJson(x.reply, 200, { volume: volumeDetail(x, seenVolume(x.core, x.actor, x.id)) }),
  )
  route(parts, 'PUT', '/volumes/:id', update)
  route(parts, 'DELETE', '/volumes/:id', remove)
  route(parts, 'GET', '/volumes/:id/encryption', x =>
    sendJson(x.reply, 200, encryptionOf(x.core, seenVolume(x.core, x.actor, x.id))),
  )
  route(parts, 'GET', '/volumes/:id/encryption/:key', x => {
    const all = encryptionOf(x.core, seenVolume(x.core, x.actor, x.id))
    return sendJson(x.reply, 200, all[paramOf(x.request, 'key')] ?? null)
  })
}
