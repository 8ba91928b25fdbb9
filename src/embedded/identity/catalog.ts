import { fromJson, type Json, newHexId } from '#base'
import type { EndpointInterface } from '#cloud'
import type { EndpointRow, ServiceRow } from './store/rows.ts'
import type { IdentityChange, IdentityState } from './store/state.ts'

/** A service of this cloud and where it listens. */
export interface CatalogService {
  readonly type: string
  readonly name: string
  readonly endpoints: Readonly<Partial<Record<EndpointInterface, string>>>
}

type CatalogEntry = {
  id: string
  type: string
  name: string
  endpoints: { id: string; interface: string; region_id: Json; url: string; region: Json }[]
}

const nameOf = (row: ServiceRow): string => {
  const { name } = fromJson<{ name?: Json }>(row.extra)
  return typeof name === 'string' ? name : ''
}

/**
 * The address with Keystone's substitutions: `$(project_id)s` or `%(tenant_id)s`. Undefined when the address needs a
 * project and there is none; such an endpoint is left out of the catalogue.
 */
function substitute(url: string, projectId: string | undefined, userId: string): string | undefined {
  let isComplete = true
  const text = url.replaceAll(/[$%]\((project_id|tenant_id|user_id)\)s/g, (_match, key: string) => {
    if (key === 'user_id') return userId
    if (projectId === undefined) isComplete = false
    return projectId ?? ''
  })
  return isComplete ? text : undefined
}

/** The catalogue as a token carries it. */
export function catalogFor(state: IdentityState, userId: string, projectId: string | undefined): CatalogEntry[] {
  const entries: CatalogEntry[] = []
  for (const service of state.services.all()) {
    if (service.enabled === 0) continue
    const endpoints = state.endpoints.by('service', service.id).flatMap(row => {
      const url = row.enabled === 0 ? undefined : substitute(row.url, projectId, userId)
      if (url === undefined) return []
      return [{ id: row.id, interface: row.interface, region_id: row.region_id, url, region: row.region_id }]
    })
    entries.push({ id: service.id, type: service.type, name: nameOf(service), endpoints })
  }
  return entries
}

/** The address of a service by type, without substitutions. */
export function endpointOf(state: IdentityState, type: string, which: EndpointInterface): string | undefined {
  for (const service of state.services.all()) {
    if (service.type !== type || service.enabled === 0) continue
    const row = state.endpoints.by('service', service.id).find(e => e.interface === which && e.enabled === 1)
    if (row !== undefined) return row.url
  }
  return undefined
}

function putService(state: IdentityState, change: IdentityChange, wanted: CatalogService): ServiceRow {
  const known = state.services.all().find(row => row.type === wanted.type && nameOf(row) === wanted.name)
  if (known !== undefined) return known
  const extra = JSON.stringify({ name: wanted.name, description: '' })
  const row: ServiceRow = { id: newHexId(), type: wanted.type, enabled: 1, extra }
  change.put('identity_services', row)
  return row
}

function putEndpoint(
  state: IdentityState,
  change: IdentityChange,
  wanted: Omit<EndpointRow, 'id' | 'enabled' | 'extra'>,
): void {
  const known = state.endpoints
    .by('service', wanted.service_id)
    .find(row => row.interface === wanted.interface && row.region_id === wanted.region_id)
  if (known?.url === wanted.url) return
  change.put('identity_endpoints', { id: newHexId(), enabled: 1, extra: '{}', ...known, ...wanted })
}

/** Brings the catalogue to these services and addresses in one region; whatever else an operator added stays. */
export async function setCatalog(
  state: IdentityState,
  region: string,
  services: readonly CatalogService[],
): Promise<void> {
  await state.change(change => {
    if (state.regions.get(region) === undefined) {
      change.put('identity_regions', { id: region, parent_region_id: null, description: '', extra: '{}' })
    }
    for (const wanted of services) {
      const service = putService(state, change, wanted)
      for (const [which, url] of Object.entries(wanted.endpoints)) {
        putEndpoint(state, change, { service_id: service.id, interface: which, region_id: region, url })
      }
    }
  })
}
