import { newUuid } from '#base'
import { flagOf, sendJson } from '#http'
import { mapOf, requireAdmin } from '../core.ts'
import { Conflict, Invalid, Missing } from '../faults.ts'
import type { QosRow } from '../store/rows.ts'
import { seenType } from '../types.ts'
import { Fields, jsonOf, textsOf } from './body.ts'
import { accepted, type Exchange, type Handler, type Parts, route } from './exchange.ts'
import { type Collection, pageOf } from './listing.ts'
import { linksOf } from './views.ts'

const consumers = ['front-end', 'back-end', 'both'] as const
const rule = (name: string): string => `volume_extension:qos_specs_manage:${name}`
const noSpecs = (id: string) => Missing({ reason: `No such QoS spec ${id}.` })

const collection: Collection<QosRow> = {
  path: 'qos-specs',
  links: 'qos_specs_links',
  idOf: row => row.id,
  sortKeys: { id: row => row.id, name: row => row.name, created_at: row => row.created_at_ms },
  noMarker: noSpecs,
}

const view = (row: QosRow) => ({ id: row.id, name: row.name, consumer: row.consumer, specs: mapOf(row.specs) })

function seen(x: Exchange): QosRow {
  const row = x.core.state.table('volume_qos').get(x.id)
  if (row === undefined) throw noSpecs(x.id)
  return row
}

const typesOf = (x: Exchange) =>
  x.core.state
    .table('volume_types')
    .all()
    .filter(type => type.qos_specs_id === x.id)

async function create(x: Exchange) {
  const { record } = Fields.of(jsonOf(x.request), 'qos_specs')
  const { name, consumer = 'back-end', ...specs } = textsOf('qos_specs', record)
  requireAdmin(x.actor, rule('create'))
  if (name === undefined || name.trim() === '') throw Invalid({ reason: 'Please specify a name for QoS specs.' })
  if (!consumers.some(known => known === consumer)) {
    throw Invalid({ reason: 'Invalid qos specs: Valid consumer of QoS specs are: back-end, front-end, both' })
  }
  const row = await x.core.state.change(change => {
    if (x.core.state.table('volume_qos').by('name', name).length > 0) {
      throw Conflict({ reason: `QoS Specs ${name} already exists.` })
    }
    const made = { id: newUuid(), name, consumer, specs: JSON.stringify(specs), created_at_ms: x.core.clock.now() }
    change.put('volume_qos', made)
    return made
  })
  return sendJson(x.reply, 200, { qos_specs: view(row), links: linksOf(x, 'qos-specs', row.id) })
}

async function update(x: Exchange) {
  const { record } = Fields.of(jsonOf(x.request), 'qos_specs')
  const { consumer, ...specs } = textsOf('qos_specs', record)
  requireAdmin(x.actor, rule('update'))
  await x.core.state.change(change => {
    const now = seen(x)
    const merged = JSON.stringify({ ...mapOf(now.specs), ...specs })
    change.put('volume_qos', { ...now, consumer: consumer ?? now.consumer, specs: merged })
  })
  return sendJson(x.reply, 200, { qos_specs: record })
}

async function remove(x: Exchange) {
  requireAdmin(x.actor, rule('delete'))
  await x.core.state.change(change => {
    const row = seen(x)
    const types = typesOf(x)
    if (types.length > 0 && !flagOf(x.query, 'force')) {
      throw Invalid({ reason: `QoS Specs ${row.id} is still associated with entities.` })
    }
    for (const type of types) change.put('volume_types', { ...type, qos_specs_id: null })
    change.remove('volume_qos', row)
  })
  return accepted(x)
}

/** Ties a type to the specs, or looses it. */
const tie =
  (action: 'associate' | 'disassociate'): Handler =>
  async x => {
    requireAdmin(x.actor, rule('update'))
    await x.core.state.change(change => {
      seen(x)
      const type = seenType(x.core.state, x.actor, x.query.get('vol_type_id') ?? '')
      if (action === 'associate' && type.qos_specs_id !== null && type.qos_specs_id !== x.id) {
        throw Invalid({
          reason: `Invalid volume type: Type ${type.id} is already associated with another qos specs: ${type.qos_specs_id}`,
        })
      }
      change.put('volume_types', { ...type, qos_specs_id: action === 'associate' ? x.id : null })
    })
    return accepted(x)
  }

async function disassociateAll(x: Exchange) {
  requireAdmin(x.actor, rule('update'))
  await x.core.state.change(change => {
    seen(x)
    for (const type of typesOf(x)) change.put('volume_types', { ...type, qos_specs_id: null })
  })
  return accepted(x)
}

async function deleteKeys(x: Exchange) {
  const keys = jsonOf(x.request).keys
  requireAdmin(x.actor, rule('delete'))
  if (!Array.isArray(keys)) throw Invalid({ reason: 'Invalid input for field/attribute keys.' })
  await x.core.state.change(change => {
    const row = seen(x)
    const specs = mapOf(row.specs)
    for (const key of keys.map(String)) {
      if (specs[key] === undefined) throw Missing({ reason: `QoS spec ${row.id} has no spec with key ${key}.` })
      delete specs[key]
    }
    change.put('volume_qos', { ...row, specs: JSON.stringify(specs) })
  })
  return accepted(x)
}

export function qosRoutes(parts: Parts): void {
  route(parts, 'GET', '/qos-specs', x => {
    requireAdmin(x.actor, rule('get_all'))
    const page = pageOf(x, collection, x.core.state.table('volume_qos').all())
    return sendJson(x.reply, 200, { qos_specs: page.rows.map(view), ...page.links })
  })
  route(parts, 'POST', '/qos-specs', create)
  route(parts, 'GET', '/qos-specs/:id', x => {
    requireAdmin(x.actor, rule('get'))
    return sendJson(x.reply, 200, { qos_specs: view(seen(x)), links: linksOf(x, 'qos-specs', x.id) })
  })
  route(parts, 'PUT', '/qos-specs/:id', update)
  route(parts, 'DELETE', '/qos-specs/:id', remove)
  route(parts, 'PUT', '/qos-specs/:id/delete_keys', deleteKeys)
  route(parts, 'GET', '/qos-specs/:id/associations', x => {
    requireAdmin(x.actor, rule('get_all'))
    seen(x)
    const qos_associations = typesOf(x).map(type => ({
      id: type.id,
      name: type.name,
      association_type: 'volume_type',
    }))
    return sendJson(x.reply, 200, { qos_associations })
  })
  route(parts, 'GET', '/qos-specs/:id/associate', tie('associate'))
  route(parts, 'GET', '/qos-specs/:id/disassociate', tie('disassociate'))
  route(parts, 'GET', '/qos-specs/:id/disassociate_all', disassociateAll)
}
