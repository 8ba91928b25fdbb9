import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Fault, faultRecord, InternalError, type Log, newRequestId } from '#base'

export type Face = FastifyInstance

export interface FaultAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
}

export interface FaceOptions {
  readonly log: Log
  /** How this API words an error. `fault.status` is the default status. */
  readonly renderFault: (fault: Fault, request: FastifyRequest) => FaultAnswer
  /** What an unknown route answers. */
  readonly notFound: (request: FastifyRequest) => FaultAnswer
  /** Response headers that carry the request id; default `x-openstack-request-id`. */
  readonly requestIdHeaders?: readonly string[]
  /** A first part of the path, as in `/identity`, that may stand before every route. */
  readonly alias?: string
  /** Bytes of a JSON body; oslo_middleware's max_request_body_size is 114688. */
  readonly bodyLimit?: number
}

const send = (reply: FastifyReply, answer: FaultAnswer): void => {
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value)
  if (typeof answer.body === 'string') {
    reply.type(answer.contentType ?? 'text/plain; charset=UTF-8').send(answer.body)
  } else {
    reply.type(answer.contentType ?? 'application/json').send(JSON.stringify(answer.body))
  }
}

const withoutAlias = (url: string, alias: string | undefined): string => {
  if (alias === undefined || !url.startsWith(alias)) return url
  const rest = url.slice(alias.length)
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest.startsWith('/') ? rest : url
}

/** As WSGI reads a URL: an escape that is none stands for itself. */
const withPlainPercents = (url: string): string => (url.includes('%') ? url.replace(/%(?![0-9a-f]{2})/gi, '%25') : url)

/** The body is larger than the face allows. */
const tooLarge = { code: 'RequestTooLarge', kind: 'refused', status: 413 } as const
const undecodable = { code: 'UndecodableUrl', kind: 'refused', status: 400 } as const
const malformed = { code: 'MalformedRequestBody', kind: 'refused', status: 400 } as const

/** Turns what fastify itself refuses (size, content length) into a fault; anything else is unexpected. */
function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Fault(tooLarge, 'Request is too large.')
  if (code === 'FST_ERR_BAD_URL') return new Fault(undecodable, 'The request could not be decoded.')
  if (typeof code === 'string' && code.startsWith('FST_ERR_CTP') && statusCode !== undefined && statusCode < 500) {
    return new Fault(malformed, 'Malformed request body')
  }
  const { message, detail } = faultRecord(error)
  return InternalError({ message }, { cause: error, ...(detail === undefined ? {} : { detail }) })
}

/**
 * A fastify instance with the habits of an OpenStack API and no routes.
 * Bodies arrive as raw `Buffer` in `request.body` (undefined when there is none); `readJson` is the face's business,
 * because each service words a malformed body differently.
 */
export function createFace(options: FaceOptions): Face {
  const headers = options.requestIdHeaders ?? ['x-openstack-request-id']
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const fault = asFault(error)
    if (fault.status >= 500) {
      options.log.error(
        { request_id: request.id, method: request.method, path: request.url, err: error },
        'request failed',
      )
    }
    send(reply, options.renderFault(fault, request))
  }
  const app = fastify({
    logger: false,
    rewriteUrl: ({ url = '/' }) => withPlainPercents(withoutAlias(url, options.alias)),
    // A path that is not UTF-8.
    frameworkErrors: (error, request, reply) => refuse(error, request, reply),
    genReqId: newRequestId,
    bodyLimit: options.bodyLimit ?? 114_688,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 1024 },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', (request, reply, done) => {
    for (const name of headers) reply.header(name, request.id)
    done()
  })
  app.setNotFoundHandler((request, reply) => {
    send(reply, options.notFound(request))
  })
  app.setErrorHandler(refuse)
  return app
}
