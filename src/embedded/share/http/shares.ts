import { flagOf, paramOf, sendJson } from '#http'
import { changeShare, mapOf, ownShare, seenShare } from '../core.ts'
import { Invalid, Missing, policyForbids } from '../faults.ts'
import { createShare, deleteShare } from '../shares.ts'
import type { ShareRow } from '../store/rows.ts'
import { jsonOf, recordIn, requiredText, textOf, textsOf, truthOf, wholeOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { pageOf } from './listing.ts'
import { exportPath, exportView, shareSummary, shareView } from './views.ts'

type Test = (row: ShareRow) => boolean

const sortKeys = {
  id: (row: ShareRow) => row.id,
  name: (row: ShareRow) => row.name ?? '',
  size: (row: ShareRow) => row.size_gib,
  status: (row: ShareRow) => row.status,
  share_proto: (row: ShareRow) => row.share_proto,
  project_id: (row: ShareRow) => row.project_id,
  share_type_id: (row: ShareRow) => row.share_type_id,
  availability_zone: (row: ShareRow) => row.availability_zone,
  created_at: (row: ShareRow) => row.created_at_ms,
  updated_at: (row: ShareRow) => row.updated_at_ms ?? 0,
} as const

/** `{'key': 'value'}` as Python writes it, or JSON. */
function pairsOf(text: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(text.replaceAll("'", '"'))
    return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, String(item)]))
  } catch {
    throw Invalid({ reason: `Invalid filter value ${text}` })
  }
}

const filters: Readonly<Record<string, (value: string, x: Exchange) => Test>> = {
  name: value => row => row.name === value,
  display_name: value => row => row.name === value,
  'name~': value => row => (row.name ?? '').includes(value),
  description: value => row => row.description === value,
  'description~': value => row => (row.description ?? '').includes(value),
  status: value => row => row.status === value,
  share_type_id: value => row => row.share_type_id === value,
  share_proto: value => row => row.share_proto === value.toUpperCase(),
  host:
    (value, { actor, core }) =>
    () =>
      actor.isAdmin && core.pool === value,
  project_id: value => row => row.project_id === value,
  metadata: value => row => Object.entries(pairsOf(value)).every(([key, text]) => mapOf(row.metadata)[key] === text),
  export_location_id: value => row => row.export_id === value,
  export_location_path: (value, x) => row => exportPath(x, row) === value,
  // Nothing here has any of these.
  is_soft_deleted: value => () => !/^(1|t|true|on|y|yes)$/i.test(value),
  snapshot_id: () => () => false,
  share_network_id: () => () => false,
  share_server_id: () => () => false,
  share_group_id: () => () => false,
}

function found(x: Exchange): ShareRow[] {
  const { query, actor, core } = x
  const table = core.state.table('share_shares')
  const isForAll = actor.isAdmin && (flagOf(query, 'all_tenants') || flagOf(query, 'all_projects'))
  const isPublicToo = flagOf(query, 'is_public')
  const rows = isForAll
    ? table.all()
    : table.all().filter(row => row.project_id === actor.projectId || (isPublicToo && row.is_public === 1))
  const tests = Object.entries(filters).flatMap(([name, test]) => {
    const value = query.get(name)
    return value === null ? [] : [test(value, x)]
  })
  return rows.filter(row => tests.every(test => test(row)))
}

const list = (x: Exchange, view: (row: ShareRow) => unknown) =>
  sendJson(x.reply, 200, pageOf(x, { path: 'shares', name: 'shares', sortKeys, view }, found(x)))

async function create(x: Exchange) {
  const fields = recordIn(jsonOf(x.request), 'share')
  for (const name of ['snapshot_id', 'share_group_id', 'source_share_group_snapshot_member_id']) {
    const id = textOf(fields, name)
    if (id !== undefined && id !== '') throw Missing({ reason: `${name.replace('_id', '')} ${id} could not be found.` })
  }
  const network = textOf(fields, 'share_network_id')
  if (network !== undefined && network !== '')
    throw Invalid({ reason: "Share network must not be set when 'driver_handles_share_servers' is false." })
  const row = await createShare(x.core, x.actor, {
    protocol: requiredText(fields, 'share_proto'),
    sizeGiB: wholeOf(fields, 'size', 1),
    name: textOf(fields, 'name') ?? textOf(fields, 'display_name') ?? null,
    description: textOf(fields, 'description') ?? textOf(fields, 'display_description') ?? null,
    type: textOf(fields, 'share_type') ?? textOf(fields, 'volume_type'),
    zone: textOf(fields, 'availability_zone'),
    isPublic: truthOf(fields, 'is_public') ?? false,
    metadata: textsOf(fields, 'metadata') ?? {},
  })
  return sendJson(x.reply, 200, { share: shareView(x, row) })
}

async function update(x: Exchange) {
  const fields = recordIn(jsonOf(x.request), 'share')
  ownShare(x.core, x.actor, x.id, 'share:update')
  const isPublic = truthOf(fields, 'is_public')
  if (isPublic === true && !x.actor.isAdmin) throw policyForbids('share:set_public_share')
  const name = textOf(fields, 'display_name') ?? textOf(fields, 'name')
  const description = textOf(fields, 'display_description') ?? textOf(fields, 'description')
  const row = await changeShare(x.core, x.id, now => ({
    ...now,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(isPublic === undefined ? {} : { is_public: Number(isPublic) }),
  }))
  return sendJson(x.reply, 200, { share: shareView(x, row) })
}

function exportRoutes(parts: Parts): void {
  const shownExports = (x: Exchange) => {
    const share = seenShare(x.core, x.actor, x.id)
    return exportPath(x, share) === null ? [] : [share]
  }
  route(
    parts,
    'GET',
    '/shares/:id/export_locations',
    x => sendJson(x.reply, 200, { export_locations: shownExports(x).map(row => exportView(x, row, false)) }),
    { since: 9 },
  )
  route(
    parts,
    'GET',
    '/shares/:id/export_locations/:export_id',
    x => {
      const asked = paramOf(x.request, 'export_id')
      const [row] = shownExports(x).filter(share => share.export_id === asked)
      if (row === undefined) throw Missing({ reason: `Export location with uuid ${asked} doesn't exist.` })
      return sendJson(x.reply, 200, { export_location: exportView(x, row, true) })
    },
    { since: 9 },
  )
}

function metadataRoutes(parts: Parts): void {
  const path = '/shares/:id/metadata'
  const change = async (x: Exchange, next: (now: Record<string, string>) => Record<string, string>) => {
    ownShare(x.core, x.actor, x.id, 'share:update_share_metadata')
    const row = await changeShare(x.core, x.id, now => ({
      ...now,
      metadata: JSON.stringify(next(mapOf(now.metadata))),
    }))
    return mapOf(row.metadata)
  }
  const given = (x: Exchange) => {
    const body = jsonOf(x.request)
    const texts = textsOf(body, 'metadata') ?? textsOf(body, 'meta')
    if (texts === undefined) throw Invalid({ reason: 'Malformed request body' })
    return texts
  }
  route(parts, 'GET', path, x => sendJson(x.reply, 200, { metadata: mapOf(seenShare(x.core, x.actor, x.id).metadata) }))
  route(parts, 'POST', path, async x => {
    const texts = given(x)
    return sendJson(x.reply, 200, { metadata: await change(x, now => ({ ...now, ...texts })) })
  })
  route(parts, 'PUT', path, async x => {
    const texts = given(x)
    return sendJson(x.reply, 200, { metadata: await change(x, () => texts) })
  })
  route(parts, 'PUT', `${path}/:key`, async x => {
    const texts = given(x)
    const metadata = await change(x, now => ({ ...now, ...texts }))
    const key = paramOf(x.request, 'key')
    return sendJson(x.reply, 200, { meta: { [key]: metadata[key] ?? null } })
  })
  route(parts, 'GET', `${path}/:key`, x => {
    const key = paramOf(x.request, 'key')
    const value = mapOf(seenShare(x.core, x.actor, x.id).metadata)[key]
    if (value === undefined) throw Missing({ reason: 'Metadata item was not found.' })
    return sendJson(x.reply, 200, { meta: { [key]: value } })
  })
  route(parts, 'DELETE', `${path}/:key`, async x => {
    const key = paramOf(x.request, 'key')
    await change(x, ({ [key]: gone, ...rest }) => {
      if (gone === undefined) throw Missing({ reason: 'Metadata item was not found.' })
      return rest
    })
    return x.reply.code(200).send()
  })
}

export function shareRoutes(parts: Parts): void {
  route(parts, 'GET', '/shares', x => list(x, row => shareSummary(x, row)))
  route(parts, 'GET', '/shares/detail', x => list(x, row => shareView(x, row)))
  route(parts, 'POST', '/shares', create)
  route(parts, 'GET', '/shares/:id', x =>
    sendJson(x.reply, 200, { share: shareView(x, seenShare(x.core, x.actor, x.id)) }),
  )
  route(parts, 'PUT', '/shares/:id', update)
  route(parts, 'DELETE', '/shares/:id', async x => {
    await deleteShare(x.core, x.actor, x.id, { isForced: false })
    return accepted(x)
  })
  exportRoutes(parts)
  metadataRoutes(parts)
}
