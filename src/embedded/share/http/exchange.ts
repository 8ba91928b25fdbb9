import type { FastifyReply, FastifyRequest } from 'fastify'
import type { IdentityPort } from '#cloud'
import { authenticate, type Face, paramOf, queryOf } from '#http'
import type { Actor, Core } from '../core.ts'
import { Invalid, Missing } from '../faults.ts'
import { versionOf } from './microversion.ts'

/** What every route is made with. */
export interface Parts {
  readonly face: Face
  readonly core: Core
  readonly identity: IdentityPort
  readonly baseUrl: (request: FastifyRequest) => string
}

/** One authenticated request. */
export interface Exchange {
  readonly core: Core
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly actor: Actor
  readonly query: URLSearchParams
  /** Of the path: the thing that is meant, when the path names one. */
  readonly id: string
  /** The minor number of the microversion. */
  readonly version: number
  /** `http://host:8786/v2`. */
  readonly base: string
  /** The same before the version, for bookmarks. */
  readonly bookmarks: string
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
export type Handler = (x: Exchange) => FastifyReply | Promise<FastifyReply>

export interface RouteOptions {
  /** The first microversion that has it. */
  readonly since?: number
}

export const accepted = (x: Exchange): FastifyReply => x.reply.code(202).send()

async function actorOf(parts: Parts, request: FastifyRequest): Promise<Actor> {
  const { caller } = await authenticate(parts.identity, request)
  const isAdmin = caller.roles.includes('admin')
  return {
    projectId: caller.projectId ?? '',
    userId: caller.userId,
    isAdmin,
    canWrite: isAdmin || caller.roles.includes('member'),
    isService: caller.roles.includes('service'),
  }
}

/** Registers a route that needs a token, with and without the project in its path. */
export function route(parts: Parts, method: Method, path: string, handler: Handler, options: RouteOptions = {}): void {
  for (const prefix of ['/v2/:project_id', '/v2']) {
    parts.face.route({
      method,
      url: `${prefix}${path}`,
      handler: async (request, reply) => {
        const actor = await actorOf(parts, request)
        const version = versionOf(request, reply)
        const inPath = paramOf(request, 'project_id')
        if (inPath !== '' && inPath !== actor.projectId) throw Invalid({ reason: 'Malformed request url' })
        if (version < (options.since ?? 0))
          throw Missing({ reason: `API version 2.${version} is not supported on this method.` })
        const host = parts.baseUrl(request)
        const project = inPath === '' ? '' : `/${inPath}`
        return handler({
          core: parts.core,
          request,
          reply,
          actor,
          query: queryOf(request),
          id: paramOf(request, 'id'),
          version,
          base: `${host}/v2${project}`,
          bookmarks: `${host}${project}`,
        })
      },
    })
  }
}
