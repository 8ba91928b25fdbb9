import type { Clock } from '#base'
import { bodyOf } from '../http/client.ts'
import { refusal } from '../http/faults.ts'
import { inPath, ServiceClient, type ServiceOptions } from '../http/service-client.ts'
import type { EndpointChoice, Session } from '../http/session.ts'
import { callerOf, type TokenDocument } from '../http/token-document.ts'
import { limitsOf } from './limits.ts'
import { type Caller, type IdentityPort, TokenInvalid } from './port.ts'
import { TokenCache } from './token-cache.ts'

export interface KeystoneOptions extends Pick<ServiceOptions, 'http' | 'session'> {
  readonly clock: Clock
  /** `[keystone_authtoken]token_cache_time`. */
  readonly tokenCacheMs: number
  /** Region and interfaces for `endpoint`. */
  readonly region?: string | null
  /** Sees the limits of all projects: to a token of another project's, even an administrator's, Keystone does not show them. */
  readonly limitsSession?: Session
  /** `[oslo_limit]endpoint_id`. */
  readonly limitsEndpointId?: string | null
}

/** What can be a token at all: printable, and no longer than any provider makes them. */
const tokenForm = /^[\x21-\x7e]{1,8192}$/

interface ProjectDocument {
  readonly project: {
    readonly id: string
    readonly name: string
    readonly domain_id: string
    readonly enabled: boolean
    readonly is_domain?: boolean
  }
}

/** Keystone v3. Tokens are looked up with our own, and believed for as long as nova.conf says. */
export function keystonePort(options: KeystoneOptions): IdentityPort {
  const { session, http, clock, region } = options
  const cache = new TokenCache({ clock, ttlMs: options.tokenCacheMs })
  const endpoint: EndpointChoice = { override: session.keystoneUrl, serviceType: 'identity', interfaces: [] }
  const client = new ServiceClient('identity', '/v3', { http, session, endpoint })
  const { limitsSession } = options
  const limitsClient =
    limitsSession === undefined
      ? client
      : new ServiceClient('identity', '/v3', { http, session: limitsSession, endpoint })

  async function ask(token: string): Promise<Caller | undefined> {
    const reply = await client.call('service', {
      method: 'GET',
      path: '/auth/tokens',
      query: new URLSearchParams({ nocatalog: '' }),
      headers: { 'x-subject-token': token },
    })
    if (reply.status === 404) return undefined
    if (reply.status !== 200) {
      throw refusal(reply.status, 'TokenValidationRefused', 'Nova may not validate tokens at Keystone.', reply.place)
    }
    return callerOf(token, bodyOf<TokenDocument>(reply))
  }

  return {
    async validate(token) {
      const caller = tokenForm.test(token) ? await cache.get(token, () => ask(token)) : undefined
      if (caller === undefined || caller.expiresAtMs <= clock.now()) throw TokenInvalid({})
      return caller
    },
    async project(id) {
      const reply = await client.call('service', { method: 'GET', path: `/projects/${inPath(id)}` })
      if (reply.status === 404) return undefined
      if (reply.status !== 200) {
        throw refusal(reply.status, 'ProjectLookupRefused', 'Nova may not look up projects at Keystone.', reply.place)
      }
      const { project } = bodyOf<ProjectDocument>(reply)
      if (project.is_domain === true) return undefined
      return { id: project.id, name: project.name, domainId: project.domain_id, enabled: project.enabled }
    },
    limits: limitsOf({ client: limitsClient, region: region ?? null, endpointId: options.limitsEndpointId ?? null }),
    serviceCaller: () => session.caller(),
    endpoint: (serviceType, which) =>
      session.endpoint({ serviceType, interfaces: [which], ...(region === undefined ? {} : { region }) }),
  }
}
