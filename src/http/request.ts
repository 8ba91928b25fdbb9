import type { FastifyRequest } from 'fastify'

/** A named part of the path; `''` when the route has none of that name. */
export const paramOf = (request: FastifyRequest, name: string): string =>
  (request.params as Record<string, string>)[name] ?? ''

/** With keys that come more than once. */
export const queryOf = (request: FastifyRequest): URLSearchParams => {
  const at = request.url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1))
}

/** A boolean of a query, in any of oslo's spellings. */
export const flagOf = (query: URLSearchParams, name: string): boolean =>
  ['1', 't', 'true', 'on', 'y', 'yes'].includes((query.get(name) ?? '').toLowerCase())
