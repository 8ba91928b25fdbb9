import { flagOf, sendJson } from '#http'
import { noTransfer } from '../faults.ts'
import type { TransferRow } from '../store/rows.ts'
import { acceptTransfer, createTransfer, deleteTransfer, seenTransfer } from '../transfers.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { accepted, type Exchange, type Parts, type RouteOptions, route } from './exchange.ts'
import { type Collection, pageOf } from './listing.ts'
import { transferDetail, transferSummary } from './views.ts'

const collection: Collection<TransferRow> = {
  path: 'os-volume-transfer',
  links: 'transfers_links',
  idOf: row => row.id,
  sortKeys: {
    id: row => row.id,
    name: row => row.name,
    display_name: row => row.name,
    volume_id: row => row.volume_id,
    created_at: row => row.created_at_ms,
  },
  noMarker: noTransfer,
}

function list(x: Exchange, isDetailed: boolean) {
  const isForAll = x.actor.isAdmin && flagOf(x.query, 'all_tenants')
  const all = x.core.state.table('volume_transfers').all()
  const name = x.query.get('name')
  const volume = x.query.get('volume_id')
  const rows = all
    .filter(row => isForAll || row.source_project_id === x.actor.projectId)
    .filter(row => (name === null || row.name === name) && (volume === null || row.volume_id === volume))
  const query = new URLSearchParams(x.query)
  // Oldest first, unless one asks.
  if (!query.has('sort') && !query.has('sort_key')) query.set('sort', 'created_at:asc')
  const page = pageOf({ ...x, query }, collection, rows)
  const view = isDetailed ? transferDetail : transferSummary
  return sendJson(x.reply, 200, { transfers: page.rows.map(row => view(x, row)), ...page.links })
}

async function create(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('transfer').record, 'transfer')
  fields.only('volume_id', 'name', ...(x.version >= 55 ? ['no_snapshots'] : []))
  const { row, key } = await createTransfer(x.core, x.actor, {
    volumeId: fields.requiredUuid('volume_id'),
    name: fields.text('name')?.trim() ?? null,
    hasNoSnapshots: fields.flag('no_snapshots') === true,
  })
  return sendJson(x.reply, 202, { transfer: { ...transferDetail(x, row), auth_key: key } })
}

async function accept(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('accept').record, 'accept').only('auth_key')
  const { auth_key: key } = fields.record
  if (typeof key !== 'string' && typeof key !== 'number') {
    throw badField('accept', fields.record, "'auth_key' is a required property")
  }
  const row = await acceptTransfer(x.core, x.actor, x.id, String(key))
  return sendJson(x.reply, 202, { transfer: transferSummary(x, row) })
}

function routesAt(parts: Parts, path: string, options: RouteOptions): void {
  route(parts, 'GET', path, x => list(x, false), options)
  route(parts, 'GET', `${path}/detail`, x => list(x, true), options)
  route(parts, 'POST', path, create, options)
  const show = (x: Exchange) =>
    sendJson(x.reply, 200, { transfer: transferDetail(x, seenTransfer(x.core, x.actor, x.id)) })
  route(parts, 'GET', `${path}/:id`, show, options)
  route(parts, 'POST', `${path}/:id/accept`, accept, options)
  const remove = async (x: Exchange) => {
    await deleteTransfer(x.core, x.actor, x.id)
    return accepted(x)
  }
  route(parts, 'DELETE', `${path}/:id`, remove, options)
}

export function transferRoutes(parts: Parts): void {
  routesAt(parts, '/os-volume-transfer', {})
  routesAt(parts, '/volume-transfers', { since: 55 })
}
