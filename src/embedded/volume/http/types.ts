import { newUuid } from '#base'
import { sendJson } from '#http'
import { mapOf, requireAdmin } from '../core.ts'
import { Conflict, Invalid, noType } from '../faults.ts'
import type { TypeRow } from '../store/rows.ts'
import { defaultType, defaultTypeName, maySeeType, seenType } from '../types.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { type Collection, hasAll, literalOf, pageOf } from './listing.ts'
import { newTypeView, typeSummary, typeView } from './views.ts'

const collection: Collection<TypeRow> = {
  path: 'types',
  links: 'volume_type_links',
  idOf: row => row.id,
  sortKeys: {
    id: row => row.id,
    name: row => row.name,
    description: row => row.description,
    is_public: row => row.is_public,
    created_at: row => row.created_at_ms,
    updated_at: row => row.updated_at_ms,
  },
  noMarker: noType,
}

/** An administrator sees the public ones unless asked otherwise: `is_public=None` is all. */
function isPublicTest(x: Exchange): (row: TypeRow) => boolean {
  if (!x.actor.isAdmin) return row => maySeeType(x.core.state, x.actor, row)
  const wanted = (x.query.get('is_public') ?? 'true').toLowerCase()
  if (wanted === 'none') return () => true
  const isPublic = ['1', 't', 'true', 'on', 'y', 'yes'].includes(wanted)
  if (!isPublic && !['0', 'f', 'false', 'off', 'n', 'no'].includes(wanted)) {
    throw Invalid({ reason: `Invalid is_public filter [${x.query.get('is_public')}]` })
  }
  return row => (row.is_public === 1) === isPublic
}

function list(x: Exchange) {
  const isListed = isPublicTest(x)
  const specs = x.version >= 52 ? x.query.get('extra_specs') : null
  const wanted = specs === null ? {} : literalOf(specs)
  const rows = x.core.state
    .table('volume_types')
    .all()
    .filter(row => isListed(row) && hasAll(mapOf(row.extra_specs), wanted))
  const page = pageOf(x, collection, rows)
  return sendJson(x.reply, 200, { volume_types: page.rows.map(row => typeView(x, row)), ...page.links })
}

const specKey = /^[a-zA-Z0-9\-_:. /]{1,255}$/

function refuseTaken(x: Exchange, name: string, id?: string): void {
  const other = x.core.state.table('volume_types').by('name', name)[0]
  if (other !== undefined && other.id !== id) throw Conflict({ reason: `Volume Type ${name} already exists.` })
}

async function create(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('volume_type').record, 'volume_type')
  fields.only('name', 'description', 'extra_specs', 'os-volume-type-access:is_public')
  const name = fields.required('name')
  if (name.trim() === '') throw badField('name', name, `'${name}' is not a 'name'`)
  const isPublic = fields.flag('os-volume-type-access:is_public') !== false
  const specs = fields.texts('extra_specs', specKey) ?? {}
  const description = fields.text('description') ?? null
  requireAdmin(x.actor, 'volume_extension:type_create')
  const row = await x.core.state.change(change => {
    refuseTaken(x, name)
    const made: TypeRow = {
      id: newUuid(),
      name,
      description,
      is_public: isPublic ? 1 : 0,
      extra_specs: JSON.stringify(specs),
      qos_specs_id: null,
      created_at_ms: x.core.clock.now(),
      updated_at_ms: null,
    }
    change.put('volume_types', made)
    return made
  })
  return sendJson(x.reply, 200, { volume_type: newTypeView(x, row) })
}

async function update(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('volume_type').record, 'volume_type')
  fields.only('name', 'description', 'is_public')
  const [name, description, isPublic] = [fields.text('name'), fields.text('description'), fields.flag('is_public')]
  requireAdmin(x.actor, 'volume_extension:type_update')
  if (name?.trim() === '') throw Invalid({ reason: 'Volume type name can not be empty.' })
  if (name === undefined && description === undefined && isPublic === undefined) {
    throw Invalid({ reason: 'Specify volume type name, description, is_public or a combination thereof.' })
  }
  const row = await x.core.state.change(change => {
    const now = seenType(x.core.state, x.actor, x.id)
    if (name !== undefined) refuseTaken(x, name, now.id)
    const changed: TypeRow = {
      ...now,
      name: name ?? now.name,
      description: description ?? now.description,
      is_public: isPublic === undefined ? now.is_public : isPublic ? 1 : 0,
      updated_at_ms: x.core.clock.now(),
    }
    change.put('volume_types', changed)
    return changed
  })
  return sendJson(x.reply, 200, { volume_type: typeSummary(x, row) })
}

async function remove(x: Exchange) {
  requireAdmin(x.actor, 'volume_extension:type_delete')
  const { state } = x.core
  await state.change(change => {
    const row = seenType(state, x.actor, x.id)
    if (row.name === defaultTypeName) {
      throw Invalid({ reason: `The volume type ${row.id} is the default volume type and cannot be deleted.` })
    }
    const isUsed =
      state.table('volume_volumes').by('type', row.id).length > 0 ||
      state
        .table('volume_snapshots')
        .all()
        .some(snapshot => snapshot.volume_type_id === row.id)
    if (isUsed) throw Invalid({ reason: 'Target volume type is still in use.' })
    for (const access of state.table('volume_type_access').by('type', row.id))
      change.remove('volume_type_access', access)
    const encryption = state.table('volume_type_encryption').get(row.id)
    if (encryption !== undefined) change.remove('volume_type_encryption', encryption)
    for (const chosen of state.table('volume_default_types').all()) {
      if (chosen.type_id === row.id) change.remove('volume_default_types', chosen)
    }
    change.remove('volume_types', row)
  })
  return accepted(x)
}

export function typeRoutes(parts: Parts): void {
  route(parts, 'GET', '/types', list)
  route(parts, 'POST', '/types', create)
  route(parts, 'GET', '/types/:id', x => {
    const { state } = x.core
    const row = x.id === 'default' ? defaultType(state, x.actor.projectId) : seenType(state, x.actor, x.id)
    return sendJson(x.reply, 200, { volume_type: typeView(x, row) })
  })
  route(parts, 'PUT', '/types/:id', update)
  route(parts, 'DELETE', '/types/:id', remove)
}
