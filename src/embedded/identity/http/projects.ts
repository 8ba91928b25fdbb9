import { fromJson, type JsonRecord, newHexId } from '#base'
import { ancestors, descendants } from '../effective-roles.ts'
import { Conflict, found, Invalid, notFound, Refused } from '../faults.ts'
import { removeDomain, removeProject } from '../removal.ts'
import type { ProjectRow } from '../store/rows.ts'
import type { IdentityState } from '../store/state.ts'
import { type BodyReader, mergeExtra } from './body.ts'
import { type Answer, bodyOf, type Exchange, noContent, ok, type Parts, route } from './exchange.ts'
import { projectView } from './render.ts'

const maxTags = 80

function tagOf(value: unknown): string {
  if (typeof value !== 'string' || value.length < 1 || value.length > 255 || /[,/]/.test(value)) {
    throw Invalid({ reason: `Invalid input for field 'tags': '${String(value)}' does not match '^[^,/]*$'` })
  }
  return value
}

export function tagsOf(value: readonly unknown[]): string[] {
  const tags = value.map(tagOf)
  if (tags.length > maxTags) throw Invalid({ reason: `Invalid input for field 'tags': [...] is too long` })
  if (new Set(tags).size !== tags.length) {
    throw Invalid({ reason: "Invalid input for field 'tags': [...] has non-unique elements" })
  }
  return tags
}

/** Refuses a name that another project (or domain) of the same domain has. */
export function refuseTaken(state: IdentityState, row: ProjectRow): void {
  const taken = state.projects.by('name', `${row.domain_id}/${row.name}`).some(other => other.id !== row.id)
  if (!taken) return
  throw row.is_domain === 1
    ? Conflict({
        type: 'project',
        details: `it is not permitted to have two projects acting as domains with the same name: ${row.name}`,
      })
    : Conflict({
        type: 'project',
        details: `it is not permitted to have two projects with either the same name or same id in the same domain: name is ${row.name}, project id ${row.id}`,
      })
}

/** The parent of a new project: a project or the domain itself, enabled and in the same domain. */
function parentOf(state: IdentityState, domainId: string, parentId: string | null | undefined): ProjectRow {
  const parent = found('project', parentId ?? domainId, state.projects.get(parentId ?? domainId))
  const parentDomain = parent.is_domain === 1 ? parent.id : parent.domain_id
  if (parentDomain !== domainId) {
    throw Invalid({
      reason: `Cannot create project, since it specifies its domain_id ${domainId}, but specifies a parent in a different domain (${parentDomain}).`,
    })
  }
  const disabled = [parent, ...ancestors(state, parent)].find(row => row.enabled === 0)
  if (disabled !== undefined) {
    throw Invalid({ reason: `cannot create a project in a branch containing a disabled project: ${disabled.id}` })
  }
  return parent
}

function newProject(x: Exchange, body: BodyReader): ProjectRow {
  const name = body.requiredText('name', { min: 1, max: 64 })
  const isDomain = body.boolean('is_domain') ?? false
  const parentId = body.nullableText('parent_id', { max: 64 })
  const askedDomain = body.nullableText('domain_id', { max: 64 })
  const fields = {
    id: newHexId(),
    name,
    is_domain: isDomain ? 1 : 0,
    enabled: (body.boolean('enabled') ?? true) ? 1 : 0,
    description: body.nullableText('description', { max: 65_535 }) ?? '',
    tags: JSON.stringify(tagsOf(body.texts('tags') ?? [])),
    options: JSON.stringify(body.record('options') ?? {}),
  }
  if (isDomain) return { ...fields, domain_id: '', parent_id: '', extra: JSON.stringify(body.rest()) }
  const parentDomain = parentId === undefined || parentId === null ? undefined : domainOf(x.state, parentId)
  const domainId = askedDomain ?? parentDomain ?? x.homeDomainId
  const domain = x.state.projects.get(domainId)
  if (domain === undefined || domain.is_domain === 0) throw notFound('domain', domainId)
  return {
    ...fields,
    domain_id: domainId,
    parent_id: parentOf(x.state, domainId, parentId).id,
    extra: JSON.stringify(body.rest()),
  }
}

function domainOf(state: IdentityState, projectId: string): string {
  const row = found('project', projectId, state.projects.get(projectId))
  return row.is_domain === 1 ? row.id : row.domain_id
}

async function create(x: Exchange): Promise<Answer> {
  x.allow('create_project')
  const row = newProject(x, x.body('project'))
  await x.state.change(change => {
    refuseTaken(x.state, row)
    change.put('identity_projects', row)
  })
  return x.one(201, 'project', projectView, row)
}

export function changedProject(row: ProjectRow, body: BodyReader): ProjectRow {
  const isDomain = body.boolean('is_domain')
  if (isDomain !== undefined && isDomain !== (row.is_domain === 1)) {
    throw Invalid({ reason: 'Update of `is_domain` is not allowed.' })
  }
  const domainId = body.nullableText('domain_id')
  if (domainId !== undefined && (domainId ?? '') !== row.domain_id) throw Invalid({ reason: 'Cannot change Domain ID' })
  const parentId = body.nullableText('parent_id')
  if (parentId !== undefined && (parentId ?? '') !== row.parent_id) {
    throw Refused({ reason: 'Update of `parent_id` is not allowed.' })
  }
  const enabled = body.boolean('enabled')
  const tags = body.texts('tags')
  const options = body.record('options')
  return {
    ...row,
    name: body.text('name', { min: 1, max: 64 }) ?? row.name,
    description: body.has('description') ? (body.nullableText('description', { max: 65_535 }) ?? '') : row.description,
    enabled: enabled === undefined ? row.enabled : Number(enabled),
    tags: tags === undefined ? row.tags : JSON.stringify(tagsOf(tags)),
    options: options === undefined ? row.options : mergeExtra(row.options, options),
    extra: mergeExtra(row.extra, body.rest()),
  }
}

async function update(x: Exchange): Promise<Answer> {
  x.allow('update_project')
  const id = x.param('id')
  const body = x.body('project')
  const row = await x.state.change(change => {
    const old = found('project', id, x.state.projects.get(id))
    const next = changedProject(old, body)
    if (old.enabled === 1 && next.enabled === 0 && descendants(x.state, id).some(below => below.enabled === 1)) {
      throw Refused({ reason: `Cannot disable project ${id} since its subtree contains enabled projects.` })
    }
    refuseTaken(x.state, next)
    change.put('identity_projects', next)
    return next
  })
  return x.one(200, 'project', projectView, row)
}

async function remove(x: Exchange): Promise<Answer> {
  x.allow('delete_project')
  const id = x.param('id')
  await x.state.change(change => {
    const row = found('project', id, x.state.projects.get(id))
    if (row.is_domain === 1) {
      if (row.enabled === 1) {
        throw Invalid({
          reason: `cannot delete an enabled project acting as a domain. Please disable the project ${id} first.`,
        })
      }
      return removeDomain(x.state, change, row)
    }
    if (x.state.projects.by('parent', id).length > 0) {
      throw Refused({
        reason: `Cannot delete the project ${id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
      })
    }
    removeProject(x.state, change, row)
  })
  return noContent
}

const tagFilters: Readonly<Record<string, (tags: readonly string[], wanted: readonly string[]) => boolean>> = {
  tags: (tags, wanted) => wanted.every(tag => tags.includes(tag)),
  'tags-any': (tags, wanted) => wanted.some(tag => tags.includes(tag)),
  'not-tags': (tags, wanted) => !wanted.every(tag => tags.includes(tag)),
  'not-tags-any': (tags, wanted) => !wanted.some(tag => tags.includes(tag)),
}

function list(x: Exchange): Answer {
  const domainId = x.query.get('domain_id') ?? undefined
  x.allow('list_projects', x.isSystemReader, x.isDomainReader(domainId))
  const isDomain = x.query.has('is_domain') && x.flag('is_domain') ? 1 : 0
  const tests = Object.entries(tagFilters).flatMap(([name, test]) => {
    const wanted = x.query.get(name)
    return wanted === null ? [] : [(row: ProjectRow) => test(fromJson<string[]>(row.tags), wanted.split(','))]
  })
  const rows = x.state.projects.all().filter(row => row.is_domain === isDomain && tests.every(test => test(row)))
  return x.list('projects', rows, projectView, ['domain_id', 'enabled', 'name', 'parent_id'])
}

/** Project ids below (or above) one, nested as Keystone's *_as_ids. */
const nested = (state: IdentityState, id: string): JsonRecord | null => {
  const children = state.projects.by('parent', id)
  if (children.length === 0) return null
  return Object.fromEntries(children.map(child => [child.id, nested(state, child.id)]))
}

function show(x: Exchange): Answer {
  const row = x.state.projects.get(x.param('id'))
  const isOwn = x.caller.scope?.kind === 'project' && x.caller.scope.id === x.param('id')
  x.allow('get_project', isOwn, x.isSystemReader, x.isDomainReader(row?.domain_id))
  const project = found('project', x.param('id'), row)
  const url = (path: string) => x.url(path)
  const view = projectView(url, project)
  const above = ancestors(x.state, project).filter(parent => parent.is_domain === 0)
  const wrapped = (rows: readonly ProjectRow[]) => rows.map(other => ({ project: projectView(url, other) }))
  if (x.query.has('parents_as_list')) view.parents = wrapped(above)
  else if (x.query.has('parents_as_ids')) {
    view.parents = above.reduceRight<JsonRecord | null>((inner, parent) => ({ [parent.id]: inner }), null)
  }
  if (x.query.has('subtree_as_list')) view.subtree = wrapped(descendants(x.state, project.id))
  else if (x.query.has('subtree_as_ids')) view.subtree = nested(x.state, project.id)
  return ok({ project: view })
}

async function setTags(x: Exchange, next: (tags: string[]) => string[]): Promise<string[]> {
  const id = x.param('id')
  return x.state.change(change => {
    const row = found('project', id, x.state.projects.get(id))
    const tags = tagsOf(next(fromJson<string[]>(row.tags)))
    change.put('identity_projects', { ...row, tags: JSON.stringify(tags) })
    return tags
  })
}

function tagRoutes(parts: Parts): void {
  const tags = (x: Exchange): string[] => {
    const row = x.state.projects.get(x.param('id'))
    const isOwn = x.caller.scope?.kind === 'project' && x.caller.scope.id === x.param('id')
    x.allow('list_project_tags', isOwn, x.isSystemReader, x.isDomainReader(row?.domain_id))
    return fromJson<string[]>(found('project', x.param('id'), row).tags)
  }
  const answer = (x: Exchange, list: string[]): Answer =>
    ok({ tags: list, links: { next: null, self: x.url(`/projects/${x.param('id')}/tags`), previous: null } })
  route(parts, 'GET', '/projects/:id/tags', x => answer(x, tags(x)))
  route(parts, 'GET', '/projects/:id/tags/:tag', x => {
    const tag = x.param('tag')
    if (!tags(x).includes(tag)) throw notFound('project tag', tag)
    return noContent
  })
  route(parts, 'PUT', '/projects/:id/tags', async x => {
    x.allow('update_project_tags')
    const { tags: wanted } = bodyOf(x.request)
    if (!Array.isArray(wanted)) throw Invalid({ reason: "'tags' is a required property" })
    return answer(x, await setTags(x, () => wanted.map(tagOf)))
  })
  route(parts, 'PUT', '/projects/:id/tags/:tag', async x => {
    x.allow('create_project_tag')
    await setTags(x, old => [...new Set([...old, x.param('tag')])])
    return { status: 201, headers: { location: x.url(`/projects/${x.param('id')}/tags/${x.param('tag')}`) } }
  })
  route(parts, 'DELETE', '/projects/:id/tags', async x => {
    x.allow('delete_project_tags')
    await setTags(x, () => [])
    return noContent
  })
  route(parts, 'DELETE', '/projects/:id/tags/:tag', async x => {
    x.allow('delete_project_tag')
    await setTags(x, old => {
      if (!old.includes(x.param('tag'))) throw notFound('project tag', x.param('tag'))
      return old.filter(tag => tag !== x.param('tag'))
    })
    return noContent
  })
}

export function projectRoutes(parts: Parts): void {
  route(parts, 'GET', '/projects', list)
  route(parts, 'POST', '/projects', create)
  route(parts, 'GET', '/projects/:id', show)
  route(parts, 'PATCH', '/projects/:id', update)
  route(parts, 'DELETE', '/projects/:id', remove)
  tagRoutes(parts)
}
