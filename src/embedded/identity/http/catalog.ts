import { newHexId } from '#base'
import { found, Invalid, MissingAttribute } from '../faults.ts'
import type { EndpointRow, ServiceRow } from '../store/rows.ts'
import type { IdentityChange } from '../store/state.ts'
import { type BodyReader, mergeExtra } from './body.ts'
import { type Answer, type Exchange, noContent, type Parts, route } from './exchange.ts'
import { endpointView, serviceView } from './render.ts'

async function createService(x: Exchange): Promise<Answer> {
  x.allow('create_service')
  const body = x.body('service')
  const row: ServiceRow = {
    id: newHexId(),
    type: body.requiredText('type'),
    enabled: (body.boolean('enabled') ?? true) ? 1 : 0,
    extra: JSON.stringify(body.rest()),
  }
  await x.state.change(change => change.put('identity_services', row))
  return x.one(201, 'service', serviceView, row)
}

async function updateService(x: Exchange): Promise<Answer> {
  x.allow('update_service')
  const id = x.param('id')
  const body = x.body('service')
  const row = await x.state.change(change => {
    const old = found('service', id, x.state.services.get(id))
    const enabled = body.boolean('enabled')
    const next: ServiceRow = {
      ...old,
      type: body.text('type', { min: 1 }) ?? old.type,
      enabled: enabled === undefined ? old.enabled : Number(enabled),
      extra: mergeExtra(old.extra, body.rest()),
    }
    change.put('identity_services', next)
    return next
  })
  return x.one(200, 'service', serviceView, row)
}

async function removeService(x: Exchange): Promise<Answer> {
  x.allow('delete_service')
  const id = x.param('id')
  await x.state.change(change => {
    const row = found('service', id, x.state.services.get(id))
    for (const endpoint of x.state.endpoints.by('service', id)) change.remove('identity_endpoints', endpoint)
    change.remove('identity_services', row)
  })
  return noContent
}

function interfaceOf(body: BodyReader): string | undefined {
  const value = body.text('interface')
  if (value !== undefined && !['admin', 'internal', 'public'].includes(value)) {
    throw Invalid({
      reason: `Invalid input for field 'interface': '${value}' is not one of ['admin', 'internal', 'public']`,
    })
  }
  return value
}

/** Substitutions other than Keystone's would break every catalogue. */
function urlOf(body: BodyReader): string | undefined {
  const url = body.text('url', { min: 1, max: 65_535 })
  if (url === undefined) return undefined
  const rest = url.replaceAll(/[$%]\((project_id|tenant_id|user_id)\)s/g, '')
  if (/[$%]\(/.test(rest)) throw Invalid({ reason: `Cannot create an endpoint with an invalid URL: ${url}.` })
  return url
}

/** `region_id` must exist; the older `region` is made when it does not. */
function regionOf(x: Exchange, change: IdentityChange, body: BodyReader): string | null | undefined {
  const older = body.text('region')
  const id = body.nullableText('region_id') ?? older
  if (id === undefined || id === null || x.state.regions.get(id) !== undefined) return id
  if (older === undefined) throw MissingAttribute({ attribute: 'endpoint region_id', target: 'region table' })
  change.put('identity_regions', { id, parent_region_id: null, description: '', extra: '{}' })
  return id
}

function serviceIdOf(x: Exchange, body: BodyReader): string | undefined {
  const id = body.text('service_id')
  if (id !== undefined && x.state.services.get(id) === undefined) {
    throw MissingAttribute({ attribute: 'endpoint service_id', target: 'service table' })
  }
  return id
}

async function createEndpoint(x: Exchange): Promise<Answer> {
  x.allow('create_endpoint')
  const body = x.body('endpoint')
  for (const key of ['service_id', 'interface', 'url']) body.requiredText(key, { min: 1, max: 65_535 })
  const row = await x.state.change(change => {
    const fields = {
      id: newHexId(),
      service_id: serviceIdOf(x, body) ?? '',
      interface: interfaceOf(body) ?? '',
      region_id: regionOf(x, change, body) ?? null,
      url: urlOf(body) ?? '',
      enabled: (body.boolean('enabled') ?? true) ? 1 : 0,
    }
    const made: EndpointRow = { ...fields, extra: JSON.stringify(body.rest()) }
    change.put('identity_endpoints', made)
    return made
  })
  return x.one(201, 'endpoint', endpointView, row)
}

async function updateEndpoint(x: Exchange): Promise<Answer> {
  x.allow('update_endpoint')
  const id = x.param('id')
  const body = x.body('endpoint')
  const row = await x.state.change(change => {
    const old = found('endpoint', id, x.state.endpoints.get(id))
    const enabled = body.boolean('enabled')
    const region = regionOf(x, change, body)
    const next: EndpointRow = {
      ...old,
      service_id: serviceIdOf(x, body) ?? old.service_id,
      interface: interfaceOf(body) ?? old.interface,
      region_id: region === undefined ? old.region_id : region,
      url: urlOf(body) ?? old.url,
      enabled: enabled === undefined ? old.enabled : Number(enabled),
      extra: mergeExtra(old.extra, body.rest()),
    }
    change.put('identity_endpoints', next)
    return next
  })
  return x.one(200, 'endpoint', endpointView, row)
}

/** The services of this cloud and where they listen. */
export function catalogRoutes(parts: Parts): void {
  route(parts, 'GET', '/services', x => {
    x.allow('list_services', x.isSystemReader)
    return x.list('services', x.state.services.all(), serviceView, ['type', 'name'])
  })
  route(parts, 'POST', '/services', createService)
  route(parts, 'GET', '/services/:id', x => {
    x.allow('get_service', x.isSystemReader)
    return x.one(200, 'service', serviceView, found('service', x.param('id'), x.state.services.get(x.param('id'))))
  })
  route(parts, 'PATCH', '/services/:id', updateService)
  route(parts, 'DELETE', '/services/:id', removeService)
  route(parts, 'GET', '/endpoints', x => {
    x.allow('list_endpoints', x.isSystemReader)
    return x.list('endpoints', x.state.endpoints.all(), endpointView, ['interface', 'service_id', 'region_id'])
  })
  route(parts, 'POST', '/endpoints', createEndpoint)
  route(parts, 'GET', '/endpoints/:id', x => {
    x.allow('get_endpoint', x.isSystemReader)
    return x.one(200, 'endpoint', endpointView, found('endpoint', x.param('id'), x.state.endpoints.get(x.param('id'))))
  })
  route(parts, 'PATCH', '/endpoints/:id', updateEndpoint)
  route(parts, 'DELETE', '/endpoints/:id', async x => {
    x.allow('delete_endpoint')
    const id = x.param('id')
    await x.state.change(change =>
      change.remove('identity_endpoints', found('endpoint', id, x.state.endpoints.get(id))),
    )
    return noContent
  })
}
