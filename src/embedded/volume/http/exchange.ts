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
  /** `http://host:8776`. */
  readonly host: string
  /** `http://host:8776/v3/<project>`, or without the project when the path had none. */
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
  const { caller, service } = await authenticate(parts.identity, request)
  const isAdmin = caller.roles.includes('admin')
  return {
    as: caller,
    projectId: caller.projectId ?? '',
    userId: caller.userId,
    isAdmin,
    canWrite: isAdmin || caller.roles.includes('member'),
    isService: service?.roles.includes('service') === true,
    requestId: request.id,
  }
}

/** Registers a route that needs a token, with and without the project in its path. */
export function route(parts: Parts, method: Method, path: string, handler: Handler, options: RouteOptions = {}): void {
  for (const prefix of ['/v3/:project_id', '/v3']) {
    parts.face.route({
      method,
      url: `${prefix}${path}`,
      handler: async (request, reply) => {
        const actor = await actorOf(parts, request)
        const version = versionOf(request, reply)
        const inPath = paramOf(request, 'project_id')
        if (inPath !== '' && inPath !== actor.projectId) throw Invalid({ reason: 'Malformed request url' })
        if (version < (options.since ?? 0)) {
          throw Missing({ reason: `API version 3.${version} is not supported on this method.` })
        }
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
          host,
          base: `${host}/v3${project}`,
          bookmarks: `${host}${project}`,
        })
      },
    })
  }
}
