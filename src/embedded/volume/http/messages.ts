import { isoMicros } from '#base'
import { sendJson } from '#http'
import { owns, requireWriter } from '../core.ts'
import { Missing } from '../faults.ts'
import type { MessageRow } from '../store/rows.ts'
import { type Exchange, type Parts, route } from './exchange.ts'
import { filterNames } from './filter-names.ts'
import { type Collection, equals, type FilterRules, pageOf, type Reader, testsOf } from './listing.ts'
import { linksOf } from './views.ts'

/** Cinder keeps messages for 30 days. */
const keptMs = 30 * 24 * 3_600_000
const since = { since: 3 }
const noMessage = (id: string) => Missing({ reason: `Message ${id} could not be found.` })

const readers: Readonly<Record<string, Reader<MessageRow>>> = {
  id: row => row.id,
  event_id: row => row.event_id,
  resource_uuid: row => row.resource_id,
  resource_type: row => row.resource_type,
  message_level: () => 'ERROR',
  request_id: row => row.request_id,
  created_at: row => row.created_at_ms,
}

const rules: FilterRules<MessageRow> = {
  forAll: filterNames.message,
  tests: Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, equals(read)])),
}

const collection: Collection<MessageRow> = {
  path: 'messages',
  links: 'messages_links',
  idOf: row => row.id,
  sortKeys: readers,
  noMarker: noMessage,
}

const view = (x: Exchange, row: MessageRow) => ({
  id: row.id,
  event_id: row.event_id,
  user_message: row.text,
  message_level: 'ERROR',
  created_at: isoMicros(row.created_at_ms),
  guaranteed_until: isoMicros(row.created_at_ms + keptMs),
  request_id: row.request_id,
  links: linksOf(x, 'messages', row.id),
  resource_type: row.resource_type,
  resource_uuid: row.resource_id,
})

function seen(x: Exchange): MessageRow {
  const row = x.core.state.table('volume_messages').get(x.id)
  if (row === undefined || !owns(x.actor, row)) throw noMessage(x.id)
  return row
}

export function messageRoutes(parts: Parts): void {
  route(
    parts,
    'GET',
    '/messages',
    x => {
      const tests = testsOf(x, rules)
      const all = x.core.state.table('volume_messages').by('project', x.actor.projectId)
      const page = pageOf(
        x,
        collection,
        all.filter(row => tests.every(test => test(row))),
      )
      return sendJson(x.reply, 200, { messages: page.rows.map(row => view(x, row)), ...page.links })
    },
    since,
  )
  route(parts, 'GET', '/messages/:id', x => sendJson(x.reply, 200, { message: view(x, seen(x)) }), since)
  const remove = async (x: Exchange) => {
    const row = seen(x)
    requireWriter(x.actor, 'message:delete')
    await x.core.state.change(change => change.remove('volume_messages', row))
    return x.reply.code(204).send()
  }
  route(parts, 'DELETE', '/messages/:id', remove, since)
}
