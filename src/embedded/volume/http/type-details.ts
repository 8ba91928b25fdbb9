import { fromJson, isoMicros, type Json, type JsonRecord, newUuid } from '#base'
import { paramOf, sendJson } from '#http'
/** What hangs on a volume type: extra specs, who may use a private one, encryption, and whose default it is. */
import { mapOf, requireAdmin } from '../core.ts'
import { Conflict, Invalid, Missing } from '../faults.ts'
import type { TypeEncryptionRow, TypeRow } from '../store/rows.ts'
import { seenType, typeByNameOrId } from '../types.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { specsFor } from './views.ts'
import { noAction } from './volume-actions.ts'

const specKey = /^[a-zA-Z0-9\-_:.]{1,255}$/
const isTrue = '<is> True'

const isUsed = (x: Exchange): boolean => x.core.state.table('volume_volumes').by('type', x.id).length > 0

async function changeSpecs(
  x: Exchange,
  next: (now: Record<string, string>) => Record<string, string>,
): Promise<TypeRow> {
  return x.core.state.change(change => {
    if (isUsed(x)) throw Invalid({ reason: 'Volume Type is currently in use.' })
    const row = seenType(x.core.state, x.actor, x.id)
    const specs = next(mapOf(row.extra_specs))
    if (specs.multiattach === isTrue && specs.cacheable === isTrue) {
      throw Invalid({ reason: 'cacheable cannot be set with multiattach.' })
    }
    const changed = { ...row, extra_specs: JSON.stringify(specs), updated_at_ms: x.core.clock.now() }
    change.put('volume_types', changed)
    return changed
  })
}

const noSpec = (id: string, key: string) => Missing({ reason: `Volume Type ${id} has no extra specs with key ${key}.` })

function specRoutes(parts: Parts): void {
  const base = '/types/:id/extra_specs'
  route(parts, 'GET', base, x =>
    sendJson(x.reply, 200, { extra_specs: specsFor(x, seenType(x.core.state, x.actor, x.id)) }),
  )
  route(parts, 'POST', base, async x => {
    const fields = new Fields('body', jsonOf(x.request)).only('extra_specs')
    const specs = fields.texts('extra_specs', specKey)
    if (specs === undefined) throw badField('body', fields.record, "'extra_specs' is a required property")
    requireAdmin(x.actor, 'volume_extension:types_extra_specs:create')
    await changeSpecs(x, now => ({ ...now, ...specs }))
    return sendJson(x.reply, 200, { extra_specs: specs })
  })
  route(parts, 'GET', `${base}/:key`, x => {
    const key = paramOf(x.request, 'key')
    const value = specsFor(x, seenType(x.core.state, x.actor, x.id))[key]
    if (value === undefined) throw noSpec(x.id, key)
    return sendJson(x.reply, 200, { [key]: value })
  })
  route(parts, 'PUT', `${base}/:key`, async x => {
    const body = jsonOf(x.request)
    const key = paramOf(x.request, 'key')
    const specs = new Fields('body', { specs: body }).texts('specs', specKey) ?? {}
    requireAdmin(x.actor, 'volume_extension:types_extra_specs:update')
    if (specs[key] === undefined) throw Invalid({ reason: 'Request body and URI mismatch' })
    if (Object.keys(specs).length > 1) throw badField('body', body, 'has too many properties')
    await changeSpecs(x, now => ({ ...now, ...specs }))
    return sendJson(x.reply, 200, specs)
  })
  route(parts, 'DELETE', `${base}/:key`, async x => {
    const key = paramOf(x.request, 'key')
    requireAdmin(x.actor, 'volume_extension:types_extra_specs:delete')
    await changeSpecs(x, now => {
      if (now[key] === undefined) throw noSpec(x.id, key)
      const { [key]: _, ...rest } = now
      return rest
    })
    return accepted(x)
  })
}

async function changeAccess(x: Exchange, body: JsonRecord, action: 'addProjectAccess' | 'removeProjectAccess') {
  const project = Fields.of(body, action).only('project').required('project')
  const isAdding = action === 'addProjectAccess'
  requireAdmin(x.actor, `volume_extension:volume_type_access:${action}`)
  await x.core.state.change(change => {
    const row = seenType(x.core.state, x.actor, x.id)
    if (row.is_public === 1) {
      throw Invalid({
        reason: 'Invalid volume type: Type access modification is not applicable to public volume type.',
      })
    }
    const known = x.core.state.table('volume_type_access').get(row.id, project)
    const pair = `${row.id} / ${project} combination`
    if (isAdding && known !== undefined) {
      throw Conflict({ reason: `Volume type access for ${pair} already exists.` })
    }
    if (!isAdding && known === undefined) throw Missing({ reason: `Volume type access not found for ${pair}.` })
    const access = known ?? { type_id: row.id, project_id: project }
    if (isAdding) change.put('volume_type_access', access)
    else change.remove('volume_type_access', access)
  })
  return accepted(x)
}

function accessRoutes(parts: Parts): void {
  route(parts, 'GET', '/types/:id/os-volume-type-access', x => {
    requireAdmin(x.actor, 'volume_extension:volume_type_access:get_all_for_type')
    const row = seenType(x.core.state, x.actor, x.id)
    if (row.is_public === 1) throw Missing({ reason: 'Access list not available for public volume types.' })
    const all = x.core.state.table('volume_type_access').by('type', row.id)
    const volume_type_access = all.map(a => ({ volume_type_id: a.type_id, project_id: a.project_id }))
    return sendJson(x.reply, 200, { volume_type_access })
  })
  route(parts, 'POST', '/types/:id/action', x => {
    const body = jsonOf(x.request)
    const [name = ''] = Object.keys(body)
    if (name !== 'addProjectAccess' && name !== 'removeProjectAccess') throw noAction(name)
    return changeAccess(x, body, name)
  })
}

const encryptionView = (row: TypeEncryptionRow): Record<string, Json> => ({
  volume_type_id: row.type_id,
  encryption_id: row.encryption_id,
  provider: row.provider,
  cipher: row.cipher,
  key_size: row.key_size,
  control_location: row.control_location,
  created_at: isoMicros(row.created_at_ms),
  updated_at: row.updated_at_ms === null ? null : isoMicros(row.updated_at_ms),
  deleted: false,
  deleted_at: null,
})

const locations = ['front-end', 'back-end'] as const
const encryptionRule = 'volume_extension:volume_type_encryption'

async function createEncryption(x: Exchange) {
  const body = jsonOf(x.request)
  const fields = Fields.of(body, 'encryption')
  const row: TypeEncryptionRow = {
    type_id: x.id,
    encryption_id: newUuid(),
    provider: fields.required('provider', {}),
    cipher: fields.text('cipher') ?? null,
    key_size: fields.integer('key_size', 0) ?? null,
    control_location: fields.oneOf('control_location', locations) ?? fields.required('control_location'),
    created_at_ms: x.core.clock.now(),
    updated_at_ms: null,
  }
  requireAdmin(x.actor, `${encryptionRule}:create`)
  await x.core.state.change(change => {
    if (isUsed(x)) throw Invalid({ reason: 'Cannot create encryption specs. Volume type in use.' })
    seenType(x.core.state, x.actor, x.id)
    if (x.core.state.table('volume_type_encryption').get(x.id) !== undefined) {
      throw Invalid({ reason: `Volume type encryption for type ${x.id} already exists.` })
    }
    change.put('volume_type_encryption', row)
  })
  const { type_id: volume_type_id, created_at_ms: _, updated_at_ms: __, ...encryption } = row
  return sendJson(x.reply, 200, { encryption: { volume_type_id, ...encryption } })
}

async function updateEncryption(x: Exchange) {
  const body = jsonOf(x.request)
  const fields = Fields.of(body, 'encryption')
  requireAdmin(x.actor, `${encryptionRule}:update`)
  await x.core.state.change(change => {
    const now = knownEncryption(x)
    if (isUsed(x)) throw Invalid({ reason: 'Cannot update encryption specs. Volume type in use.' })
    change.put('volume_type_encryption', {
      ...now,
      provider: fields.text('provider') ?? now.provider,
      cipher: fields.has('cipher') ? (fields.text('cipher') ?? null) : now.cipher,
      key_size: fields.has('key_size') ? (fields.integer('key_size', 0) ?? null) : now.key_size,
      control_location: fields.oneOf('control_location', locations) ?? now.control_location,
      updated_at_ms: x.core.clock.now(),
    })
  })
  return sendJson(x.reply, 200, fromJson<Json>(JSON.stringify(body)))
}

function knownEncryption(x: Exchange): TypeEncryptionRow {
  const row = x.core.state.table('volume_type_encryption').get(seenType(x.core.state, x.actor, x.id).id)
  if (row === undefined) throw Missing({ reason: `Volume type encryption for type ${x.id} does not exist.` })
  return row
}

function encryptionRoutes(parts: Parts): void {
  const base = '/types/:id/encryption'
  route(parts, 'GET', base, x => {
    requireAdmin(x.actor, `${encryptionRule}:get`)
    const row = x.core.state.table('volume_type_encryption').get(seenType(x.core.state, x.actor, x.id).id)
    return sendJson(x.reply, 200, row === undefined ? {} : encryptionView(row))
  })
  route(parts, 'POST', base, createEncryption)
  route(parts, 'GET', `${base}/:key`, x => {
    requireAdmin(x.actor, `${encryptionRule}:get`)
    const key = paramOf(x.request, 'key')
    const view = encryptionView(knownEncryption(x))
    if (!Object.hasOwn(view, key)) {
      throw Missing({ reason: `Volume type encryption for type ${x.id} does not exist.` })
    }
    return sendJson(x.reply, 200, { [key]: view[key] })
  })
  route(parts, 'PUT', `${base}/:key`, updateEncryption)
  route(parts, 'DELETE', `${base}/:key`, async x => {
    requireAdmin(x.actor, `${encryptionRule}:delete`)
    await x.core.state.change(change => {
      if (isUsed(x)) throw Invalid({ reason: 'Cannot delete encryption specs. Volume type in use.' })
      change.remove('volume_type_encryption', knownEncryption(x))
    })
    return accepted(x)
  })
}

function defaultRoutes(parts: Parts): void {
  const since = { since: 62 }
  const view = (row: { project_id: string; type_id: string }) => ({
    project_id: row.project_id,
    volume_type_id: row.type_id,
  })
  const rule = 'volume_extension:default'
  route(
    parts,
    'GET',
    '/default-types',
    x => {
      requireAdmin(x.actor, `${rule}_get_all`)
      const all = x.core.state.table('volume_default_types').all()
      return sendJson(x.reply, 200, { default_types: all.map(view) })
    },
    since,
  )
  route(
    parts,
    'PUT',
    '/default-types/:id',
    async x => {
      requireAdmin(x.actor, `${rule}_set_or_update`)
      const name = Fields.of(jsonOf(x.request), 'default_type').required('volume_type')
      const row = { project_id: x.id, type_id: typeByNameOrId(x.core.state, x.actor, name).id }
      await x.core.state.change(change => change.put('volume_default_types', row))
      return sendJson(x.reply, 200, { default_type: view(row) })
    },
    since,
  )
  const known = (x: Exchange) => {
    const row = x.core.state.table('volume_default_types').get(x.id)
    if (row === undefined) throw Missing({ reason: `Default type for project ${x.id} not found.` })
    return row
  }
  route(
    parts,
    'GET',
    '/default-types/:id',
    x => {
      requireAdmin(x.actor, `${rule}_get`)
      return sendJson(x.reply, 200, { default_type: view(known(x)) })
    },
    since,
  )
  route(
    parts,
    'DELETE',
    '/default-types/:id',
    async x => {
      requireAdmin(x.actor, `${rule}_unset`)
      const row = x.core.state.table('volume_default_types').get(x.id)
      if (row !== undefined) await x.core.state.change(change => change.remove('volume_default_types', row))
      return x.reply.code(204).send()
    },
    since,
  )
}

export function typeDetailRoutes(parts: Parts): void {
  specRoutes(parts)
  accessRoutes(parts)
  encryptionRoutes(parts)
  defaultRoutes(parts)
}
