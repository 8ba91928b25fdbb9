import { catalogFor } from '../catalog.ts'
import { domainsOf, projectsOf, rolesIn } from '../effective-roles.ts'
import { Forbidden, notFound } from '../faults.ts'
import type { TokenFacts } from '../tokens.ts'
import { record } from './body.ts'
import { bodyOf, type Exchange, headerOf, noContent, ok, type Parts, route, send } from './exchange.ts'
import { Login } from './login.ts'
import { domainView, keystoneTime, projectView } from './render.ts'

/** A token as Keystone shows it. */
function tokenView(parts: Parts, facts: TokenFacts, withCatalog: boolean): unknown {
  const { row, user, userDomain, scope, target, targetDomain, roles, applicationCredential } = facts
  const roleViews = roles.map(role => ({ id: role.id, name: role.name }))
  const view: Record<string, unknown> = {
    methods: facts.methods,
    user: {
      domain: { id: userDomain.id, name: userDomain.name },
      id: user.id,
      name: user.name,
      password_expires_at: null,
    },
    audit_ids: row.parent_audit_id === null ? [row.audit_id] : [row.audit_id, row.parent_audit_id],
    expires_at: keystoneTime(row.expires_at_ms),
    issued_at: keystoneTime(row.issued_at_ms),
  }
  if (scope?.kind === 'system') Object.assign(view, { roles: roleViews, system: { all: true } })
  else if (scope?.kind === 'domain' && target !== undefined) {
    Object.assign(view, { domain: { id: target.id, name: target.name }, roles: roleViews })
  } else if (scope?.kind === 'project' && target !== undefined) {
    Object.assign(view, {
      project: { domain: { id: targetDomain?.id, name: targetDomain?.name }, id: target.id, name: target.name },
      is_domain: false,
      roles: roleViews,
    })
  }
  if (withCatalog && scope !== null) {
    view.catalog = catalogFor(parts.state, user.id, scope.kind === 'project' ? target?.id : undefined)
  }
  if (applicationCredential !== undefined) {
    view.application_credential = {
      id: applicationCredential.id,
      name: applicationCredential.name,
      restricted: applicationCredential.unrestricted === 0,
    }
  }
  return { token: view }
}

/** The token in X-Subject-Token: your own, or any for an admin, a service or a reader of the system. */
function subject(x: Exchange, action: string): { token: string; facts: TokenFacts } {
  const token = headerOf(x.request, 'x-subject-token') ?? ''
  const facts = token === '' ? undefined : x.parts.tokens.explain(token)
  if (facts === undefined) throw notFound('token', token === '' ? 'None' : token)
  const mayLook = action !== 'revoke_token' && (x.isService || x.isSystemReader)
  x.allow(action, mayLook, x.isUser(facts.user.id))
  return { token, facts }
}

const mayCatalog = (url: string): boolean => !/[?&]nocatalog(=|&|$)/.test(url)

function issueRoute(parts: Parts): void {
  const login = new Login(parts)
  parts.face.post('/v3/auth/tokens', async (request, reply) => {
    const wish = await login.wish(record(bodyOf(request), 'auth', 'request body'))
    const { token, facts } = await parts.tokens.issue(wish)
    return send(reply, {
      status: 201,
      body: tokenView(parts, facts, mayCatalog(request.url)),
      headers: { 'x-subject-token': token },
    })
  })
}

export function tokenRoutes(parts: Parts): void {
  issueRoute(parts)
  route(parts, 'GET', '/auth/tokens', x => {
    const { token, facts } = subject(x, x.request.method === 'HEAD' ? 'check_token' : 'validate_token')
    const body = tokenView(parts, facts, mayCatalog(x.request.url))
    return { status: 200, body, headers: { 'x-subject-token': token } }
  })
  route(parts, 'DELETE', '/auth/tokens', async x => {
    await parts.tokens.revoke(subject(x, 'revoke_token').facts)
    return noContent
  })
  route(parts, 'GET', '/auth/catalog', x => {
    const { scope, user } = x.caller
    if (scope?.kind !== 'project') throw Forbidden({})
    return ok({ catalog: catalogFor(x.state, user.id, scope.id), links: { self: x.url('/auth/catalog') } })
  })
  route(parts, 'GET', '/auth/projects', x => {
    return x.list('projects', projectsOf(x.state, x.caller.user.id), projectView, [], '/auth/projects')
  })
  route(parts, 'GET', '/auth/domains', x => {
    return x.list('domains', domainsOf(x.state, x.caller.user.id), domainView, [], '/auth/domains')
  })
  route(parts, 'GET', '/auth/system', x => {
    const mayScope = rolesIn(x.state, x.caller.user.id, { kind: 'system' }).length > 0
    return ok({ system: mayScope ? [{ all: true }] : [], links: { self: x.url('/auth/system') } })
  })
}
