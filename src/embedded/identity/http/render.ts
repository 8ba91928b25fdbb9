import { fromJson, type Json, type JsonRecord } from '#base'
import type {
  ApplicationCredentialRow,
  EndpointRow,
  GroupRow,
  ProjectRow,
  RegionRow,
  RoleRow,
  ServiceRow,
  UserRow,
} from '../store/rows.ts'
import type { IdentityState } from '../store/state.ts'

type Links = (path: string) => string

/** Attributes a row carries without knowing them. */
const extraOf = (row: { readonly extra: string }): JsonRecord => fromJson<JsonRecord>(row.extra)
const json = (text: string): Json => fromJson<Json>(text)

/** `2026-01-31T12:00:00.000000Z`: the form of Keystone's timestamps. */
export const keystoneTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`

/** `2026-01-31T12:00:00.000000`, to the microsecond. */
const microTime = (us: number): string =>
  `${new Date(us / 1000).toISOString().slice(0, 19)}.${String(us % 1_000_000).padStart(6, '0')}`

export const projectView = (url: Links, row: ProjectRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === '' ? null : row.domain_id,
  description: row.description,
  enabled: row.enabled === 1,
  parent_id: row.parent_id === '' ? null : row.parent_id,
  is_domain: row.is_domain === 1,
  tags: json(row.tags),
  options: json(row.options),
  links: { self: url(`/projects/${row.id}`) },
})

export const domainView = (url: Links, row: ProjectRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled === 1,
  tags: json(row.tags),
  options: json(row.options),
  links: { self: url(`/domains/${row.id}`) },
})

export const userView = (url: Links, row: UserRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  enabled: row.enabled === 1,
  ...(row.default_project_id === null ? {} : { default_project_id: row.default_project_id }),
  password_expires_at: null,
  options: json(row.options),
  links: { self: url(`/users/${row.id}`) },
})

export const groupView = (url: Links, row: GroupRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  description: row.description,
  links: { self: url(`/groups/${row.id}`) },
})

export const roleView = (url: Links, row: RoleRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === '' ? null : row.domain_id,
  description: row.description,
  options: json(row.options),
  links: { self: url(`/roles/${row.id}`) },
})

export const regionView = (url: Links, row: RegionRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  description: row.description,
  parent_region_id: row.parent_region_id,
  links: { self: url(`/regions/${row.id}`) },
})

export const serviceView = (url: Links, row: ServiceRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  type: row.type,
  enabled: row.enabled === 1,
  links: { self: url(`/services/${row.id}`) },
})

export const endpointView = (url: Links, row: EndpointRow): JsonRecord => ({
  ...extraOf(row),
  id: row.id,
  interface: row.interface,
  region_id: row.region_id,
  region: row.region_id,
  service_id: row.service_id,
  url: row.url,
  enabled: row.enabled === 1,
  links: { self: url(`/endpoints/${row.id}`) },
})

export const applicationCredentialView = (
  url: Links,
  state: IdentityState,
  row: ApplicationCredentialRow,
): JsonRecord => ({
  id: row.id,
  name: row.name,
  description: row.description,
  project_id: row.project_id,
  expires_at: row.expires_at_us === null ? null : microTime(row.expires_at_us),
  unrestricted: row.unrestricted === 1,
  roles: fromJson<string[]>(row.role_ids).flatMap(id => {
    const role = state.roles.get(id)
    return role === undefined ? [] : [{ id, name: role.name, domain_id: role.domain_id === '' ? null : role.domain_id }]
  }),
  links: { self: url(`/users/${row.user_id}/application_credentials/${row.id}`) },
})
