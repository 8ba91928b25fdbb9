import type { FastifyReply } from 'fastify'

/** The version headers of an answer, errors included. The /v2 mount has none. */
export function announce(out: FastifyReply, version: string): void {
  out.header('openstack-api-version', `compute ${version}`)
  out.header('x-openstack-nova-api-version', version)
  out.header('vary', 'OpenStack-API-Version, X-OpenStack-Nova-API-Version')
}
