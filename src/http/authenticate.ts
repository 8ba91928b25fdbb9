import type { FastifyRequest } from 'fastify'
import type { Caller, IdentityPort } from '#cloud'

/** A caller, plus the service that called on the caller's behalf (X-Service-Token), if any. */
export interface Authenticated {
  readonly caller: Caller
  readonly service: Caller | undefined
}

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/**
 * Validates X-Auth-Token (and X-Service-Token). Throws the port's `TokenInvalid` when missing or bad; the face renders
 * it as 401.
 */
export async function authenticate(identity: IdentityPort, request: FastifyRequest): Promise<Authenticated> {
  const caller = await identity.validate(header(request, 'x-auth-token') ?? '')
  const serviceToken = header(request, 'x-service-token')
  const service = serviceToken === undefined ? undefined : await identity.validate(serviceToken).catch(() => undefined)
  return { caller, service }
}
