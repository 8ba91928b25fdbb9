import { newHexId } from '#base'
import { Conflict, found, Invalid, Refused } from '../faults.ts'
import type { RegionRow } from '../store/rows.ts'
import { type BodyReader, mergeExtra } from './body.ts'
import { type Answer, type Exchange, noContent, type Parts, route } from './exchange.ts'
import { regionView } from './render.ts'

function parentOf(x: Exchange, id: string, body: BodyReader): string | null | undefined {
  const parentId = body.nullableText('parent_region_id')
  if (typeof parentId !== 'string') return parentId
  for (let at: string | null = parentId; at !== null; ) {
    if (at === id) {
      throw Invalid({ reason: `The specified parent region ${parentId} would create a circular region hierarchy.` })
    }
    at = found('region', at, x.state.regions.get(at)).parent_region_id
  }
  return parentId
}

async function create(x: Exchange, pathId?: string): Promise<Answer> {
  x.allow('create_region')
  const body = x.body('region')
  const given = body.nullableText('id')
  if (pathId !== undefined && given !== undefined && given !== null && given !== pathId) {
    throw Invalid({ reason: `Conflicting region IDs specified: "${pathId}" != "${given}"` })
  }
  const id = pathId ?? (given === undefined || given === null || given === '' ? newHexId() : given)
  const row = await x.state.change(change => {
    if (x.state.regions.get(id) !== undefined) throw Conflict({ type: 'region', details: `Duplicate ID, ${id}.` })
    const made: RegionRow = {
      id,
      parent_region_id: parentOf(x, id, body) ?? null,
      description: body.nullableText('description', { max: 65_535 }) ?? '',
      extra: JSON.stringify(body.rest()),
    }
    change.put('identity_regions', made)
    return made
  })
  return x.one(201, 'region', regionView, row)
}

async function update(x: Exchange): Promise<Answer> {
  x.allow('update_region')
  const id = x.param('id')
  const body = x.body('region')
  const row = await x.state.change(change => {
    const old = found('region', id, x.state.regions.get(id))
    const parent = parentOf(x, id, body)
    const description = body.nullableText('description', { max: 65_535 })
    const next: RegionRow = {
      ...old,
      parent_region_id: parent === undefined ? old.parent_region_id : parent,
      description: description === undefined ? old.description : (description ?? ''),
      extra: mergeExtra(old.extra, body.rest()),
    }
    change.put('identity_regions', next)
    return next
  })
  return x.one(200, 'region', regionView, row)
}

async function remove(x: Exchange): Promise<Answer> {
  x.allow('delete_region')
  const id = x.param('id')
  await x.state.change(change => {
    const tree = [found('region', id, x.state.regions.get(id))]
    for (const row of tree) tree.push(...x.state.regions.all().filter(child => child.parent_region_id === row.id))
    const ids = new Set(tree.map(row => row.id))
    if (x.state.endpoints.all().some(row => row.region_id !== null && ids.has(row.region_id))) {
      throw Refused({
        reason: `Unable to delete region ${id} because it or its child regions have associated endpoints.`,
      })
    }
    for (const row of tree) change.remove('identity_regions', row)
  })
  return noContent
}

export function regionRoutes(parts: Parts): void {
  // Anybody with a token may read regions, as in Keystone.
  route(parts, 'GET', '/regions', x => x.list('regions', x.state.regions.all(), regionView, ['parent_region_id']))
  route(parts, 'GET', '/regions/:id', x =>
    x.one(200, 'region', regionView, found('region', x.param('id'), x.state.regions.get(x.param('id')))),
  )
  route(parts, 'POST', '/regions', x => create(x))
  route(parts, 'PUT', '/regions/:id', x => create(x, x.param('id')))
  route(parts, 'PATCH', '/regions/:id', update)
  route(parts, 'DELETE', '/regions/:id', remove)
}
