import { newHexId } from '#base'
import { ForbiddenAction, found, Refused } from '../faults.ts'
import { removeDomain } from '../removal.ts'
import type { ProjectRow } from '../store/rows.ts'
import { type Answer, type Exchange, noContent, type Parts, route } from './exchange.ts'
import { changedProject, refuseTaken, tagsOf } from './projects.ts'
import { domainView } from './render.ts'

const domainOf = (x: Exchange): ProjectRow | undefined => {
  const row = x.state.projects.get(x.param('id'))
  return row?.is_domain === 1 ? row : undefined
}

async function create(x: Exchange): Promise<Answer> {
  x.allow('create_domain')
  const body = x.body('domain')
  const explicitId = body.text('explicit_domain_id', { max: 64 })
  const row: ProjectRow = {
    id: explicitId ?? newHexId(),
    name: body.requiredText('name', { min: 1, max: 64 }),
    domain_id: '',
    parent_id: '',
    is_domain: 1,
    enabled: (body.boolean('enabled') ?? true) ? 1 : 0,
    description: body.nullableText('description', { max: 65_535 }) ?? '',
    tags: JSON.stringify(tagsOf(body.texts('tags') ?? [])),
    options: JSON.stringify(body.record('options') ?? {}),
    extra: JSON.stringify(body.rest()),
  }
  await x.state.change(change => {
    refuseTaken(x.state, row)
    change.put('identity_projects', row)
  })
  return x.one(201, 'domain', domainView, row)
}

async function update(x: Exchange): Promise<Answer> {
  x.allow('update_domain')
  const body = x.body('domain')
  const row = await x.state.change(change => {
    const next = changedProject(found('domain', x.param('id'), domainOf(x)), body)
    refuseTaken(x.state, next)
    change.put('identity_projects', next)
    return next
  })
  return x.one(200, 'domain', domainView, row)
}

async function remove(x: Exchange): Promise<Answer> {
  x.allow('delete_domain')
  await x.state.change(change => {
    const row = found('domain', x.param('id'), domainOf(x))
    if (row.id === 'default') throw ForbiddenAction({ action: 'delete the default domain' })
    if (row.enabled === 1) {
      throw Refused({ reason: 'Cannot delete a domain that is enabled, please disable it first.' })
    }
    removeDomain(x.state, change, row)
  })
  return noContent
}

export function domainRoutes(parts: Parts): void {
  route(parts, 'GET', '/domains', x => {
    x.allow('list_domains', x.isSystemReader)
    const rows = x.state.projects.all().filter(row => row.is_domain === 1)
    return x.list('domains', rows, domainView, ['name', 'enabled'])
  })
  route(parts, 'POST', '/domains', create)
  route(parts, 'GET', '/domains/:id', x => {
    const row = domainOf(x)
    const isOwn = row !== undefined && x.caller.targetDomain?.id === row.id
    x.allow('get_domain', x.isSystemReader, isOwn)
    return x.one(200, 'domain', domainView, found('domain', x.param('id'), row))
  })
  route(parts, 'PATCH', '/domains/:id', update)
  route(parts, 'DELETE', '/domains/:id', remove)
}
