import { type Clock, minutes } from '#base'
import { type Caller, type IdentityPort, TokenInvalid } from '#cloud'
import type { Bootstrapped } from './bootstrap.ts'
import { endpointOf } from './catalog.ts'
import type { IdentityState } from './store/state.ts'
import { callerOf, type TokenFacts, type Tokens } from './tokens.ts'

/** A service token is renewed this long before it ends (or in its last quarter), so that a long call does not outlive it. */
const longestRenewBeforeMs = minutes(15)

/** The identity service as the others in this process see it. */
export function identityPort(state: IdentityState, tokens: Tokens, clock: Clock, first: Bootstrapped): IdentityPort {
  const callers = new WeakMap<TokenFacts, Caller>()
  const renewBeforeMs = Math.min(longestRenewBeforeMs, tokens.lifetimeMs / 4)
  let service: Promise<Caller> | undefined

  const explain = (token: string): Caller | undefined => {
    const facts = token === '' ? undefined : tokens.explain(token)
    if (facts === undefined) return undefined
    let caller = callers.get(facts)
    if (caller === undefined) {
      caller = callerOf(token, facts)
      callers.set(facts, caller)
    }
    return caller
  }

  const issueServiceToken = async (): Promise<Caller> => {
    const { token, facts } = await tokens.issue({
      userId: first.serviceUserId,
      methods: ['password'],
      scope: { kind: 'project', id: first.serviceProjectId },
    })
    return callerOf(token, facts)
  }

  return {
    async validate(token) {
      const caller = explain(token)
      if (caller === undefined) throw TokenInvalid({})
      return caller
    },
    async project(id) {
      const row = state.projects.get(id)
      if (row === undefined || row.is_domain === 1) return undefined
      return { id: row.id, name: row.name, domainId: row.domain_id, enabled: row.enabled === 1 }
    },
    async serviceCaller() {
      const known = await service?.catch(() => undefined)
      const current = known === undefined ? undefined : explain(known.token)
      if (current !== undefined && current.expiresAtMs - renewBeforeMs > clock.now()) return current
      service = issueServiceToken()
      return service
    },
    async limits(projectId) {
      const services = new Set(
        state.services
          .all()
          .filter(service => service.type === 'compute')
          .map(service => service.id),
      )
      const registered = state.registeredLimits.all().filter(limit => services.has(limit.service_id))
      const names = new Map(registered.map(limit => [limit.id, limit.resource_name]))
      const own = state.limits.all().flatMap(limit => {
        const name = names.get(limit.registered_limit_id)
        return projectId === null || limit.project_id !== projectId || name === undefined
          ? []
          : [[name, limit.resource_limit] as const]
      })
      return Object.fromEntries([
        ...registered.map(limit => [limit.resource_name, limit.default_limit] as const),
        ...own,
      ])
    },
    async endpoint(serviceType, which) {
      return endpointOf(state, serviceType, which)
    },
  }
}
