import { paramOf, sendJson } from '#http'
import { mapOf, requireAdmin } from '../core.ts'
import { Invalid, Missing, noType } from '../faults.ts'
import type { TypeRow } from '../store/rows.ts'
import { createType, deleteType, typeOf } from '../types.ts'
import { jsonOf, recordIn, requiredText, textOf, textsOf, truthOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { typeView } from './views.ts'

const both = (x: Exchange, row: TypeRow) => ({ share_type: typeView(x, row), volume_type: typeView(x, row) })

function shown(x: Exchange, id: string): TypeRow {
  const row = x.core.state.table('share_types').get(id)
  if (row === undefined || (row.is_public === 0 && !x.actor.isAdmin)) throw noType(id)
  return row
}

function list(x: Exchange) {
  const rows = x.core.state
    .table('share_types')
    .all()
    .filter(row => row.is_public === 1 || x.actor.isAdmin)
    .map(row => typeView(x, row))
  return sendJson(x.reply, 200, { share_types: rows, volume_types: rows })
}

async function create(x: Exchange) {
  requireAdmin(x.actor, 'share_type:create')
  const body = jsonOf(x.request)
  const fields = recordIn(body, body['share_type'] === undefined ? 'volume_type' : 'share_type')
  const extraSpecs = textsOf(fields, 'extra_specs') ?? {}
  const { driver_handles_share_servers: handles } = extraSpecs
  if (handles === undefined)
    throw Invalid({
      reason: "Invalid extra_specs: Required extra specs not specified: ['driver_handles_share_servers']",
    })
  // Shares here have no servers of their own.
  if (!/^(false|0|no|off)$/i.test(handles))
    throw Invalid({ reason: 'This service has no share servers: driver_handles_share_servers must be False.' })
  const isPublic = truthOf(fields, x.version >= 7 ? 'share_type_access:is_public' : 'os-share-type-access:is_public')
  const row = await createType(x.core, {
    name: requiredText(fields, 'name'),
    description: textOf(fields, 'description') ?? null,
    isPublic: isPublic ?? true,
    extraSpecs: { ...extraSpecs, driver_handles_share_servers: 'False' },
  })
  return sendJson(x.reply, 200, both(x, row))
}

function specRoutes(parts: Parts): void {
  const path = '/types/:id/extra_specs'
  const change = async (x: Exchange, next: (now: Record<string, string>) => Record<string, string>) => {
    requireAdmin(x.actor, 'share_types_extra_spec:update')
    return x.core.state.change(put => {
      const row = shown(x, x.id)
      const specs = next(mapOf(row.extra_specs))
      put.put('share_types', { ...row, extra_specs: JSON.stringify(specs) })
      return specs
    })
  }
  route(parts, 'GET', path, x => {
    requireAdmin(x.actor, 'share_types_extra_spec:index')
    return sendJson(x.reply, 200, { extra_specs: mapOf(shown(x, x.id).extra_specs) })
  })
  route(parts, 'POST', path, async x => {
    const specs = textsOf(jsonOf(x.request), 'extra_specs') ?? {}
    await change(x, now => ({ ...now, ...specs }))
    return sendJson(x.reply, 200, { extra_specs: specs })
  })
  route(parts, 'DELETE', `${path}/:key`, async x => {
    const key = paramOf(x.request, 'key')
    if (key === 'driver_handles_share_servers')
      throw Invalid({ reason: `Invalid extra_specs: ${key} is required and cannot be deleted.` })
    await change(x, ({ [key]: gone, ...rest }) => {
      if (gone === undefined) throw Missing({ reason: `Share Type ${x.id} has no extra specs with key ${key}.` })
      return rest
    })
    return accepted(x)
  })
}

export function typeRoutes(parts: Parts): void {
  route(parts, 'GET', '/types', list)
  route(parts, 'POST', '/types', create)
  route(parts, 'GET', '/types/default', x => sendJson(x.reply, 200, both(x, typeOf(x.core, undefined))))
  route(parts, 'GET', '/types/:id', x => sendJson(x.reply, 200, both(x, shown(x, x.id))))
  route(parts, 'DELETE', '/types/:id', async x => {
    requireAdmin(x.actor, 'share_type:delete')
    await deleteType(x.core, x.id)
    return accepted(x)
  })
  specRoutes(parts)
}
