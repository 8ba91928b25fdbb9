import { isRecord, type JsonRecord } from '#base'
import { paramOf, sendJson } from '#http'
import { accessOf, allowAccess, denyAccess, seenAccess } from '../access.ts'
import { changeShare, mapOf, ownShare, requireAdmin } from '../core.ts'
import { Invalid, Missing } from '../faults.ts'
import { deleteShare, resizeShare } from '../shares.ts'
import { jsonOf, requiredText, textOf, textsOf, truthOf, wholeOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { accessView } from './views.ts'

type Act = (x: Exchange, fields: JsonRecord) => ReturnType<typeof sendJson> | Promise<ReturnType<typeof sendJson>>

const allow: Act = async (x, fields) => {
  const hasLocks = x.version >= 82
  const row = await allowAccess(x.core, x.actor, x.id, {
    type: requiredText(fields, 'access_type'),
    to: requiredText(fields, 'access_to'),
    level: textOf(fields, 'access_level') ?? 'rw',
    metadata: (x.version >= 45 ? textsOf(fields, 'metadata') : undefined) ?? {},
    locksVisibility: hasLocks && (truthOf(fields, 'lock_visibility') ?? false),
    locksDeletion: hasLocks && (truthOf(fields, 'lock_deletion') ?? false),
    lockReason: hasLocks ? (textOf(fields, 'lock_reason', 1023) ?? null) : null,
  })
  return sendJson(x.reply, 200, { access: accessView(x, row, true) })
}

const deny: Act = async (x, fields) => {
  const unrestrict = x.version >= 82 && (truthOf(fields, 'unrestrict') ?? false)
  await denyAccess(x.core, x.actor, x.id, requiredText(fields, 'access_id'), { unrestrict })
  return accepted(x)
}

/** What shares may be told to be by an administrator. */
const settable = [
  'available',
  'error',
  'creating',
  'deleting',
  'error_deleting',
  'inactive',
  'migrating',
  'migrating_to',
]

const actions: Readonly<Record<string, { readonly until?: number; readonly act: Act }>> = {
  allow_access: { act: allow },
  deny_access: { act: deny },
  access_list: {
    until: 44,
    act: x =>
      sendJson(x.reply, 200, {
        access_list: accessOf(x.core, x.actor, x.id).map(row => accessView(x, row, false)),
      }),
  },
  extend: {
    act: async (x, fields) => {
      await resizeShare(x.core, x.actor, x.id, wholeOf(fields, 'new_size', 1), 'extend')
      return accepted(x)
    },
  },
  shrink: {
    act: async (x, fields) => {
      await resizeShare(x.core, x.actor, x.id, wholeOf(fields, 'new_size', 1), 'shrink')
      return accepted(x)
    },
  },
  reset_status: {
    act: async (x, fields) => {
      requireAdmin(x.actor, 'share:reset_status')
      const status = textOf(fields, 'status') ?? textOf(fields, 'os-status') ?? ''
      if (!settable.includes(status)) throw Invalid({ reason: `Must specify a valid status: ${status}` })
      await changeShare(x.core, x.id, now => ({ ...now, status }))
      return accepted(x)
    },
  },
  force_delete: {
    act: async x => {
      requireAdmin(x.actor, 'share:force_delete')
      await deleteShare(x.core, x.actor, x.id, { isForced: true })
      return accepted(x)
    },
  },
}

/** `os-` before the names until 2.6. */
function action(x: Exchange) {
  const body = jsonOf(x.request)
  const [given = ''] = Object.keys(body)
  const name = x.version < 7 && given.startsWith('os-') ? given.slice(3) : given
  const known = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (known === undefined || x.version > (known.until ?? x.version))
    throw Invalid({ reason: `There is no such action: ${given}` })
  const fields = body[given]
  return known.act(x, isRecord(fields) ? fields : {})
}

export function accessRoutes(parts: Parts): void {
  route(parts, 'POST', '/shares/:id/action', action)
  const path = '/share-access-rules'
  const since = { since: 45 }
  route(
    parts,
    'GET',
    path,
    x => {
      const shareId = x.query.get('share_id')
      if (shareId === null) throw Invalid({ reason: 'The field share_id has to be specified.' })
      const rows = accessOf(x.core, x.actor, shareId).filter(row =>
        (['access_type', 'access_to', 'access_level'] as const).every(
          name => x.version < 82 || (x.query.get(name) ?? row[name]) === row[name],
        ),
      )
      return sendJson(x.reply, 200, { access_list: rows.map(row => accessView(x, row, false)) })
    },
    since,
  )
  route(
    parts,
    'GET',
    `${path}/:id`,
    x => sendJson(x.reply, 200, { access: accessView(x, seenAccess(x.core, x.actor, x.id), true) }),
    since,
  )
  const change = (x: Exchange, next: (now: Record<string, string>) => Record<string, string>) =>
    x.core.state.change(put => {
      const row = seenAccess(x.core, x.actor, x.id)
      ownShare(x.core, x.actor, row.share_id, 'share_access_metadata:update')
      const metadata = next(mapOf(row.metadata))
      put.put('share_access', { ...row, metadata: JSON.stringify(metadata), updated_at_ms: x.core.clock.now() })
      return metadata
    })
  route(
    parts,
    'PUT',
    `${path}/:id/metadata`,
    async x => {
      const texts = textsOf(jsonOf(x.request), 'metadata') ?? {}
      return sendJson(x.reply, 200, { metadata: await change(x, now => ({ ...now, ...texts })) })
    },
    since,
  )
  route(
    parts,
    'DELETE',
    `${path}/:id/metadata/:key`,
    async x => {
      const key = paramOf(x.request, 'key')
      await change(x, ({ [key]: gone, ...rest }) => {
        if (gone === undefined) throw Missing({ reason: 'Share access rule metadata does not exist.' })
        return rest
      })
      return x.reply.code(200).send()
    },
    since,
  )
}
