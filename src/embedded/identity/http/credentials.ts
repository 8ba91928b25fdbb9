import { createHash } from 'node:crypto'
import { isRecord, type JsonRecord, newHexId } from '#base'
import { Conflict, ForbiddenAction, found, Invalid } from '../faults.ts'
import type { CredentialRow } from '../store/rows.ts'
import { type Answer, type Exchange, noContent, type Parts, route } from './exchange.ts'

const view = (url: (path: string) => string, row: CredentialRow): JsonRecord => ({
  id: row.id,
  user_id: row.user_id,
  project_id: row.project_id,
  type: row.type,
  blob: row.blob,
  links: { self: url(`/credentials/${row.id}`) },
})

/** An EC2 credential is known by the hash of its access key, anything else by a random id. */
function idOf(type: string, blob: string): string {
  if (type !== 'ec2') return newHexId()
  let value: unknown
  try {
    value = JSON.parse(blob)
  } catch {
    throw Invalid({ reason: 'Invalid blob in credential' })
  }
  if (!isRecord(value) || typeof value.access !== 'string') throw Invalid({ reason: 'Invalid blob in credential' })
  return createHash('sha256').update(value.access).digest('hex')
}

async function create(x: Exchange): Promise<Answer> {
  const body = x.body('credential')
  const userId = body.text('user_id', { max: 64 }) ?? x.caller.user.id
  x.allow('create_credential', x.isUser(userId))
  const type = body.requiredText('type')
  const blob = body.requiredText('blob', { max: 65_535 })
  const row: CredentialRow = {
    id: idOf(type, blob),
    user_id: userId,
    project_id: body.nullableText('project_id', { max: 64 }) ?? null,
    type,
    blob,
  }
  if (type === 'ec2' && row.project_id === null) {
    throw Invalid({ reason: 'Expecting to find project_id in credential' })
  }
  await x.state.change(change => {
    found('user', userId, x.state.users.get(userId))
    if (x.state.credentials.get(row.id) !== undefined) {
      throw Conflict({ type: 'credential', details: 'Duplicate entry' })
    }
    change.put('identity_credentials', row)
  })
  return x.one(201, 'credential', view, row)
}

async function update(x: Exchange): Promise<Answer> {
  const old = owned(x, 'update_credential')
  const body = x.body('credential')
  const userId = body.text('user_id', { max: 64 })
  if (userId !== undefined && userId !== old.user_id) x.allow('update_credential')
  const row = await x.state.change(change => {
    const current = found('credential', old.id, x.state.credentials.get(old.id))
    const projectId = body.nullableText('project_id', { max: 64 })
    const next: CredentialRow = {
      ...current,
      user_id: userId ?? current.user_id,
      type: body.text('type') ?? current.type,
      blob: body.text('blob', { max: 65_535 }) ?? current.blob,
      project_id: projectId === undefined ? current.project_id : projectId,
    }
    change.put('identity_credentials', next)
    return next
  })
  return x.one(200, 'credential', view, row)
}

function owned(x: Exchange, action: string): CredentialRow {
  const row = x.state.credentials.get(x.param('id'))
  x.allow(action, row !== undefined && x.isUser(row.user_id), action === 'get_credential' && x.isSystemReader)
  return found('credential', x.param('id'), row)
}

/** Secrets kept for other services, such as EC2 keys; delegated tokens do not get at them. */
export function credentialRoutes(parts: Parts): void {
  const direct = (handler: (x: Exchange) => Answer | Promise<Answer>) => (x: Exchange) => {
    if (x.caller.applicationCredential !== undefined) {
      throw ForbiddenAction({ action: 'Delegated tokens cannot access credentials directly' })
    }
    return handler(x)
  }
  route(
    parts,
    'GET',
    '/credentials',
    direct(x => {
      const rows = x.state.credentials.all().filter(row => x.isAdmin || x.isSystemReader || x.isUser(row.user_id))
      return x.list('credentials', rows, view, ['user_id', 'type'])
    }),
  )
  route(parts, 'POST', '/credentials', direct(create))
  route(
    parts,
    'GET',
    '/credentials/:id',
    direct(x => x.one(200, 'credential', view, owned(x, 'get_credential'))),
  )
  route(parts, 'PATCH', '/credentials/:id', direct(update))
  route(
    parts,
    'DELETE',
    '/credentials/:id',
    direct(async x => {
      const row = owned(x, 'delete_credential')
      await x.state.change(change => change.remove('identity_credentials', row))
      return noContent
    }),
  )
}
