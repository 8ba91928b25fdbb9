import { createHash, randomBytes } from 'node:crypto'
import { type Clock, fromJson } from '#base'
import type { Caller } from '#cloud'
import { isUsable, rolesIn, type Scope, withImplied } from './effective-roles.ts'
import { Unauthorized } from './faults.ts'
import type { ApplicationCredentialRow, ProjectRow, RoleRow, TokenRow, UserRow } from './store/rows.ts'
import type { IdentityChange, IdentityState } from './store/state.ts'

/** Everything a valid token says. */
export interface TokenFacts {
  readonly row: TokenRow
  readonly methods: readonly string[]
  readonly user: UserRow
  readonly userDomain: ProjectRow
  readonly scope: Scope | null
  /** The project or domain of the scope. */
  readonly target: ProjectRow | undefined
  readonly targetDomain: ProjectRow | undefined
  readonly roles: readonly RoleRow[]
  readonly roleNames: readonly string[]
  readonly applicationCredential: ApplicationCredentialRow | undefined
}

export interface TokenWish {
  readonly userId: string
  readonly methods: readonly string[]
  readonly scope: Scope | null
  readonly applicationCredentialId?: string
  /** Of the token this one was made from: the new one ends no later. */
  readonly parent?: { readonly auditId: string; readonly expiresAtMs: number }
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')
const newAuditId = (): string => randomBytes(16).toString('base64url')

/**
 * Issues, explains and revokes tokens.
 *
 * Theory of operation. A token is 32 random bytes; its row is stored under the SHA-256, so tokens outlive a restart and
 * cannot be read from the file. What a token says is worked out from the rows and remembered until `state.revision`
 * moves; every change of users, projects, roles and assignments moves it, hence a remembered answer is never stale.
 */
export class Tokens {
  readonly #state: IdentityState
  readonly #clock: Clock
  readonly lifetimeMs: number
  #remembered = new Map<string, TokenFacts>()
  #revision = -1

  constructor(state: IdentityState, clock: Clock, lifetimeMs: number) {
    this.#state = state
    this.#clock = clock
    this.lifetimeMs = lifetimeMs
  }

  /** Refuses with 401 when the user may not have such a token. */
  async issue(wish: TokenWish): Promise<{ token: string; facts: TokenFacts }> {
    const token = randomBytes(32).toString('base64url')
    const now = this.#clock.now()
    const ends = [now + this.lifetimeMs, wish.parent?.expiresAtMs ?? Number.POSITIVE_INFINITY]
    const row: TokenRow = {
      hash: hashOf(token),
      user_id: wish.userId,
      methods: JSON.stringify(wish.methods),
      project_id: wish.scope?.kind === 'project' ? wish.scope.id : null,
      domain_id: wish.scope?.kind === 'domain' ? wish.scope.id : null,
      is_system: wish.scope?.kind === 'system' ? 1 : 0,
      application_credential_id: wish.applicationCredentialId ?? null,
      audit_id: newAuditId(),
      parent_audit_id: wish.parent?.auditId ?? null,
      issued_at_ms: now,
      expires_at_ms: Math.min(...ends),
    }
    const facts = await this.#state.changeTokens(change => {
      const worked = this.#workOut(row)
      if (worked === undefined) throw Unauthorized({})
      change.put('identity_tokens', row)
      return worked
    })
    return { token, facts }
  }

  /** What the token says, or undefined when it is unknown, expired, revoked, or its user or scope is gone. */
  explain(token: string): TokenFacts | undefined {
    if (this.#revision !== this.#state.revision) {
      this.#remembered = new Map()
      this.#revision = this.#state.revision
    }
    const known = this.#remembered.get(token)
    if (known !== undefined) {
      const isLive = known.row.expires_at_ms > this.#clock.now() && this.#state.tokens.get(known.row.hash) !== undefined
      if (isLive) return known
      this.#remembered.delete(token)
      return undefined
    }
    const row = this.#state.tokens.get(hashOf(token))
    if (row === undefined || row.expires_at_ms <= this.#clock.now()) return undefined
    const facts = this.#workOut(row)
    if (facts !== undefined) this.#remembered.set(token, facts)
    return facts
  }

  async revoke(facts: TokenFacts): Promise<void> {
    await this.#state.changeTokens(change => change.remove('identity_tokens', facts.row))
  }

  /** Removes what has expired. */
  async purge(): Promise<number> {
    const now = this.#clock.now()
    this.#remembered.clear() // else answers for tokens nobody shows again would pile up
    return this.#state.changeTokens(change => {
      const expired = this.#state.tokens.all().filter(row => row.expires_at_ms <= now)
      for (const row of expired) change.remove('identity_tokens', row)
      return expired.length
    })
  }

  #workOut(row: TokenRow): TokenFacts | undefined {
    const state = this.#state
    const user = state.users.get(row.user_id)
    const userDomain = user === undefined ? undefined : state.projects.get(user.domain_id)
    if (user === undefined || user.enabled === 0 || userDomain === undefined || userDomain.enabled === 0)
      return undefined
    const applicationCredential = this.#applicationCredential(row)
    if (row.application_credential_id !== null && applicationCredential === undefined) return undefined
    const scope = scopeOf(row)
    const target = scope === null || scope.kind === 'system' ? undefined : state.projects.get(scope.id)
    if (scope !== null && scope.kind !== 'system' && (target === undefined || !isUsable(state, target)))
      return undefined
    const roles = scope === null ? [] : limitRoles(state, rolesIn(state, user.id, scope), applicationCredential)
    if (scope !== null && roles.length === 0) return undefined
    return {
      row,
      methods: fromJson<string[]>(row.methods),
      user,
      userDomain,
      scope,
      target,
      targetDomain: target === undefined || target.is_domain === 1 ? target : state.projects.get(target.domain_id),
      roles,
      roleNames: roles.map(role => role.name),
      applicationCredential,
    }
  }

  #applicationCredential(row: TokenRow): ApplicationCredentialRow | undefined {
    if (row.application_credential_id === null) return undefined
    const credential = this.#state.applicationCredentials.get(row.application_credential_id)
    if (credential === undefined || isExpired(credential, this.#clock.now())) return undefined
    return credential
  }
}

function scopeOf(row: TokenRow): Scope | null {
  if (row.project_id !== null) return { kind: 'project', id: row.project_id }
  if (row.domain_id !== null) return { kind: 'domain', id: row.domain_id }
  return row.is_system === 1 ? { kind: 'system' } : null
}

export const isExpired = (credential: ApplicationCredentialRow, nowMs: number): boolean =>
  credential.expires_at_us !== null && credential.expires_at_us <= nowMs * 1000

/** An application credential carries at most the roles it was made with. */
function limitRoles(
  state: IdentityState,
  roles: RoleRow[],
  credential: ApplicationCredentialRow | undefined,
): readonly RoleRow[] {
  if (credential === undefined) return roles
  const allowed = withImplied(state, fromJson<string[]>(credential.role_ids))
  return roles.filter(role => allowed.has(role.id))
}

/** Every token of a user goes, as when the password changes. */
export function revokeTokensOf(state: IdentityState, change: IdentityChange, userId: string): void {
  for (const row of state.tokens.by('user', userId)) change.remove('identity_tokens', row)
}

export function callerOf(token: string, facts: TokenFacts): Caller {
  const project = facts.scope?.kind === 'project' ? facts.target : undefined
  return {
    userId: facts.user.id,
    userName: facts.user.name,
    userDomainId: facts.userDomain.id,
    userDomainName: facts.userDomain.name,
    projectId: project?.id ?? null,
    projectName: project?.name ?? null,
    projectDomainId: project === undefined ? null : (facts.targetDomain?.id ?? null),
    projectDomainName: project === undefined ? null : (facts.targetDomain?.name ?? null),
    roles: facts.roleNames,
    systemScope: facts.scope?.kind === 'system',
    domainId: facts.scope?.kind === 'domain' ? facts.scope.id : null,
    token,
    expiresAtMs: facts.row.expires_at_ms,
  }
}
