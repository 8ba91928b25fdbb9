import { flagOf, sendJson } from '#http'
import {
  completeAttachment,
  createAttachment,
  deleteAttachment,
  seenAttachment,
  updateAttachment,
} from '../attachments.ts'
import { noAttachment } from '../faults.ts'
import type { AttachmentRow } from '../store/rows.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { type Exchange, type Parts, route } from './exchange.ts'
import { filterNames } from './filter-names.ts'
import { type Collection, equals, type FilterRules, pageOf, type Reader, testsOf } from './listing.ts'
import { attachmentDetail, attachmentSummary } from './views.ts'
import { noAction } from './volume-actions.ts'

/** The attachments API, and completion, came with these microversions. */
const first = { since: 27 }
const completion = { since: 44 }

const readers: Readonly<Record<string, Reader<AttachmentRow>>> = {
  id: row => row.id,
  volume_id: row => row.volume_id,
  instance_id: row => row.server_id,
  instance_uuid: row => row.server_id,
  status: row => row.status,
  attach_status: row => row.status,
  attached_host: row => row.host,
  mountpoint: row => row.mountpoint,
  attach_mode: row => row.mode,
  created_at: row => row.created_at_ms,
  attach_time: row => row.attached_at_ms,
}

const rules: FilterRules<AttachmentRow> = {
  forAll: filterNames.attachment,
  tests: Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, equals(read)])),
}

const collection: Omit<Collection<AttachmentRow>, 'path'> = {
  links: 'attachments_links',
  idOf: row => row.id,
  sortKeys: readers,
  noMarker: noAttachment,
}

function list(x: Exchange, isDetailed: boolean) {
  const tests = testsOf(x, rules)
  const { state } = x.core
  const isForAll = x.actor.isAdmin && flagOf(x.query, 'all_tenants')
  const isMine = (row: AttachmentRow) =>
    isForAll || state.table('volume_volumes').get(row.volume_id)?.project_id === x.actor.projectId
  const rows = state
    .table('volume_attachments')
    .all()
    .filter(row => isMine(row) && tests.every(test => test(row)))
  // Cinder gives no links here.
  const page = pageOf(x, { ...collection, path: 'attachments' }, rows)
  const view = isDetailed ? attachmentDetail : attachmentSummary
  return sendJson(x.reply, 200, { attachments: page.rows.map(view) })
}

async function create(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('attachment').record, 'attachment')
  fields.only('instance_uuid', 'connector', 'volume_uuid', ...(x.version >= 54 ? ['mode'] : []))
  const row = await createAttachment(x.core, x.actor, {
    volumeId: fields.requiredUuid('volume_uuid'),
    serverId: fields.uuid('instance_uuid') ?? null,
    connector: fields.object('connector'),
    mode: fields.oneOf('mode', ['rw', 'ro']) ?? 'null',
  })
  return sendJson(x.reply, 200, { attachment: attachmentDetail(row) })
}

async function update(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('attachment').record, 'attachment')
  const connector = fields.only('connector').object('connector')
  if (connector === undefined) throw badField('attachment', fields.record, "'connector' is a required property")
  if (Object.keys(connector).length === 0) throw badField('connector', connector, '{} does not have enough properties')
  const row = await updateAttachment(x.core, x.actor, x.id, connector)
  return sendJson(x.reply, 200, { attachment: attachmentDetail(row) })
}

export function attachmentRoutes(parts: Parts): void {
  route(parts, 'GET', '/attachments', x => list(x, false), first)
  route(parts, 'GET', '/attachments/detail', x => list(x, true), first)
  route(parts, 'POST', '/attachments', create, first)
  route(
    parts,
    'GET',
    '/attachments/:id',
    x => sendJson(x.reply, 200, { attachment: attachmentDetail(seenAttachment(x.core, x.actor, x.id)) }),
    first,
  )
  route(parts, 'PUT', '/attachments/:id', update, first)
  route(
    parts,
    'DELETE',
    '/attachments/:id',
    async x => {
      const left = await deleteAttachment(x.core, x.actor, x.id)
      return sendJson(x.reply, 200, { attachments: left.map(attachmentSummary) })
    },
    first,
  )
  route(
    parts,
    'POST',
    '/attachments/:id/action',
    async x => {
      const [name = ''] = Object.keys(jsonOf(x.request))
      if (name !== 'os-complete') throw noAction(name)
      await completeAttachment(x.core, x.actor, x.id)
      return x.reply.code(204).send()
    },
    completion,
  )
}
