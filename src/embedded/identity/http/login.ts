import { isRecord, type JsonRecord } from '#base'
import { isUsable, rolesIn, type Scope } from '../effective-roles.ts'
import {
  ApplicationCredentialAuthError,
  AuthMethodNotSupported,
  ForbiddenAction,
  MissingAttribute,
  Unauthorized,
} from '../faults.ts'
import type { Passwords } from '../passwords.ts'
import type { ApplicationCredentialRow, ProjectRow, UserRow } from '../store/rows.ts'
import type { IdentityState } from '../store/state.ts'
import { isExpired, type Tokens, type TokenWish } from '../tokens.ts'
import { has, record, text } from './body.ts'

/** Who proved to be somebody, and how. */
interface Proof {
  readonly user: UserRow
  readonly methods: readonly string[]
  readonly applicationCredential?: ApplicationCredentialRow
  readonly parent?: { readonly auditId: string; readonly expiresAtMs: number }
}

const methods = ['password', 'token', 'application_credential'] as const

/** Reads the `auth` object of POST /v3/auth/tokens: checks who it is and what scope is asked for. */
export class Login {
  readonly #state: IdentityState
  readonly #tokens: Tokens
  readonly #passwords: Passwords
  readonly #now: () => number

  constructor(parts: { state: IdentityState; tokens: Tokens; passwords: Passwords; now: () => number }) {
    this.#state = parts.state
    this.#tokens = parts.tokens
    this.#passwords = parts.passwords
    this.#now = parts.now
  }

  async wish(auth: JsonRecord): Promise<TokenWish> {
    const identity = record(auth, 'identity', 'auth')
    const named = this.#methods(identity)
    const proofs: Proof[] = []
    for (const method of named) proofs.push(await this.#prove(method, record(identity, method, 'identity')))
    const proof = proofs[0]
    if (proof === undefined || proofs.some(p => p.user.id !== proof.user.id)) throw Unauthorized({})
    const applicationCredential = proofs.find(p => p.applicationCredential !== undefined)?.applicationCredential
    const parent = proofs.find(p => p.parent !== undefined)?.parent
    return {
      userId: proof.user.id,
      methods: [...new Set(proofs.flatMap(p => p.methods))],
      scope: this.#scope(auth, proof.user, applicationCredential),
      ...(applicationCredential === undefined ? {} : { applicationCredentialId: applicationCredential.id }),
      ...(parent === undefined ? {} : { parent }),
    }
  }

  #methods(identity: JsonRecord): string[] {
    const list = identity.methods
    if (!Array.isArray(list)) throw MissingAttribute({ attribute: 'methods', target: 'identity' })
    const named = [...new Set(list.map(String))]
    for (const method of named) {
      if (!has(identity, method)) throw MissingAttribute({ attribute: method, target: 'identity' })
      if (!methods.some(known => known === method)) throw AuthMethodNotSupported({})
    }
    return named
  }

  #prove(method: string, payload: JsonRecord): Promise<Proof> {
    if (method === 'password') return this.#byPassword(payload)
    if (method === 'token') return this.#byToken(payload)
    return this.#byApplicationCredential(payload)
  }

  async #byPassword(payload: JsonRecord): Promise<Proof> {
    const given = record(payload, 'user', 'password')
    const user = this.#user(given)
    const password = given.password
    if (typeof password !== 'string') throw MissingAttribute({ attribute: 'password', target: 'user' })
    if (!(await this.#passwords.matches(user?.id ?? '', password, user?.password_hash ?? null))) throw Unauthorized({})
    return { user: this.#usable(user), methods: ['password'] }
  }

  async #byToken(payload: JsonRecord): Promise<Proof> {
    const facts = this.#tokens.explain(text(payload, 'id', 'token'))
    if (facts === undefined) throw Unauthorized({})
    if (facts.applicationCredential !== undefined) {
      throw ForbiddenAction({ action: 'rescope a scoped token' })
    }
    return {
      user: facts.user,
      methods: ['token', ...facts.methods],
      parent: { auditId: facts.row.parent_audit_id ?? facts.row.audit_id, expiresAtMs: facts.row.expires_at_ms },
    }
  }

  async #byApplicationCredential(payload: JsonRecord): Promise<Proof> {
    const credential = this.#applicationCredential(payload)
    const secret = typeof payload.secret === 'string' ? payload.secret : ''
    const matches = await this.#passwords.matches(credential?.id ?? '', secret, credential?.secret_hash ?? null)
    if (!matches || credential === undefined) throw Unauthorized({})
    if (isExpired(credential, this.#now())) throw Unauthorized({})
    const user = this.#usable(this.#state.users.get(credential.user_id))
    return { user, methods: ['application_credential'], applicationCredential: credential }
  }

  #applicationCredential(payload: JsonRecord): ApplicationCredentialRow | undefined {
    if (typeof payload.id === 'string') return this.#state.applicationCredentials.get(payload.id)
    const target = 'application credential'
    if (typeof payload.name !== 'string') throw MissingAttribute({ attribute: 'name or ID', target })
    if (!isRecord(payload.user)) throw MissingAttribute({ attribute: 'user', target })
    const user = this.#user(payload.user)
    if (user === undefined) return undefined
    return this.#state.applicationCredentials.by('user', user.id).find(row => row.name === payload.name)
  }

  /** The user that `{id}` or `{name, domain}` names, if any. */
  #user(given: JsonRecord): UserRow | undefined {
    if (typeof given.name === 'string') {
      const domain = this.#domain(record(given, 'domain', 'user'))
      return domain === undefined ? undefined : this.#state.users.by('name', `${domain.id}/${given.name}`)[0]
    }
    if (typeof given.id === 'string') return this.#state.users.get(given.id)
    throw MissingAttribute({ attribute: 'id or name', target: 'user' })
  }

  #usable(user: UserRow | undefined): UserRow {
    const domain = user === undefined ? undefined : this.#state.projects.get(user.domain_id)
    if (user === undefined || user.enabled === 0 || domain === undefined || domain.enabled === 0) throw Unauthorized({})
    return user
  }

  #domain(given: JsonRecord): ProjectRow | undefined {
    if (typeof given.name === 'string') return this.#state.projects.by('name', `/${given.name}`)[0]
    if (typeof given.id === 'string') {
      const row = this.#state.projects.get(given.id)
      return row?.is_domain === 1 ? row : undefined
    }
    throw MissingAttribute({ attribute: 'id or name', target: 'domain' })
  }

  #scope(auth: JsonRecord, user: UserRow, credential: ApplicationCredentialRow | undefined): Scope | null {
    if (credential !== undefined) {
      if (has(auth, 'scope')) {
        throw ApplicationCredentialAuthError({ detail: 'Application credentials cannot request a scope.' })
      }
      return { kind: 'project', id: credential.project_id }
    }
    if (!has(auth, 'scope')) return this.#defaultScope(user)
    if (auth.scope === 'unscoped') return null
    const scope = record(auth, 'scope', 'auth')
    const named = ['system', 'project', 'domain', 'OS-TRUST:trust', 'unscoped'].filter(key => has(scope, key))
    if (named.length !== 1) {
      throw MissingAttribute({ attribute: 'system, project, domain, OS-TRUST:trust or unscoped', target: 'scope' })
    }
    if (named[0] === 'unscoped') return null
    if (named[0] === 'system') return { kind: 'system' }
    if (named[0] === 'project') return this.#projectScope(record(scope, 'project', 'scope'))
    if (named[0] === 'domain') return this.#domainScope(record(scope, 'domain', 'scope'))
    throw Unauthorized({}, { detail: 'trusts are not offered' })
  }

  #projectScope(given: JsonRecord): Scope {
    let project: ProjectRow | undefined
    if (typeof given.name === 'string') {
      const domain = this.#domain(record(given, 'domain', 'project'))
      project = domain === undefined ? undefined : this.#state.projects.by('name', `${domain.id}/${given.name}`)[0]
    } else project = this.#state.projects.get(text(given, 'id', 'project'))
    if (project === undefined || project.is_domain === 1 || !isUsable(this.#state, project)) throw Unauthorized({})
    return { kind: 'project', id: project.id }
  }

  #domainScope(given: JsonRecord): Scope {
    const domain = this.#domain(given)
    if (domain === undefined || domain.enabled === 0) throw Unauthorized({})
    return { kind: 'domain', id: domain.id }
  }

  /** The user's default project when there is one to be had, else no scope. */
  #defaultScope(user: UserRow): Scope | null {
    const project = user.default_project_id === null ? undefined : this.#state.projects.get(user.default_project_id)
    if (project === undefined || !isUsable(this.#state, project)) return null
    const scope: Scope = { kind: 'project', id: project.id }
    return rolesIn(this.#state, user.id, scope).length > 0 ? scope : null
  }
}
