import type { Caller } from '../keystone/port.ts'

interface Named {
  readonly id: string
  readonly name: string
}

export interface CatalogEntry {
  readonly type: string
  readonly name?: string
  readonly endpoints: readonly {
    readonly interface: string
    readonly region_id?: string | null
    readonly region?: string | null
    readonly url: string
  }[]
}

/** What Keystone says of a token, as far as we read it. */
export interface TokenDocument {
  readonly token: {
    readonly user: Named & { readonly domain: Named }
    readonly project?: Named & { readonly domain: Named }
    readonly domain?: Named
    readonly system?: { readonly all?: boolean }
    readonly roles?: readonly Named[]
    readonly expires_at: string
    readonly catalog?: readonly CatalogEntry[]
  }
}

export const callerOf = (token: string, { token: said }: TokenDocument): Caller => ({
  userId: said.user.id,
  userName: said.user.name,
  userDomainId: said.user.domain.id,
  userDomainName: said.user.domain.name,
  projectId: said.project?.id ?? null,
  projectName: said.project?.name ?? null,
  projectDomainId: said.project?.domain.id ?? null,
  projectDomainName: said.project?.domain.name ?? null,
  roles: said.roles?.map(role => role.name) ?? [],
  systemScope: said.system?.all === true,
  domainId: said.domain?.id ?? null,
  token,
  expiresAtMs: Date.parse(said.expires_at),
})
