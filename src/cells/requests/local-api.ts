import { AsyncLocalStorage } from 'node:async_hooks'
import { declareFault, newHexId } from '#base'
import type { FarRequest } from '#bus'
import { type Caller, type IdentityPort, TokenInvalid } from '#cloud'
import type { Face } from '#http'
import type { FarReply } from '#model'
import { type Store, turnOf } from '#store'

/**
 * The Compute API of this cell, without a socket, for callers that another cell has let in: each request brings a ticket of
 * its own instead of a token, which nobody outside this process can have.
 */
export interface LocalApi {
  /** `isKept`: it is carried out under the lease of the row with its id. */
  run(request: FarRequest, isKept: boolean): Promise<FarReply>
  close(): Promise<void>
}

/** Whoever carried out a request has lost it to another nova-cells: it writes nothing more. */
export const RequestLost = declareFault(
  'CellRequestLost',
  'transient',
  () => 'Another nova-cells of this cell has taken the request over.',
)

interface Job {
  readonly request: FarRequest
  readonly isKept: boolean
}

/** What the Compute API is composed of, so that it belongs to the requests that run in it. */
export interface ApiSeams {
  identity(real: IdentityPort): IdentityPort
  store(real: Store): Store
}

const serviceTicket = (ticket: string): string => `${ticket} service`
const hopByHop = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'])

const plainHeaders = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => value !== undefined && !hopByHop.has(name))
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
  )

/** The request as HTTP. */
function asHttp({ method, path, query, body, microversion, host, service }: FarRequest, ticket: string) {
  const question = query === undefined || query === '' ? '' : `?${query}`
  return {
    method,
    url: `/v2.1${path}${question}`,
    headers: {
      'x-auth-token': ticket,
      accept: 'application/json',
      ...(service === undefined ? {} : { 'x-service-token': serviceTicket(ticket) }),
      ...(microversion === undefined ? {} : { 'openstack-api-version': `compute ${microversion}` }),
      ...(host === undefined ? {} : { host }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  }
}

function readBody(payload: string): unknown {
  if (payload === '') return null
  try {
    return JSON.parse(payload) as unknown
  } catch {
    // A few answers are plain text.
    return payload
  }
}

/** `compose` makes the API out of what `seams` gives it; `owner` is who holds the leases of this process. */
export function localApi(compose: (seams: ApiSeams) => Face, owner: string): LocalApi {
  const jobs = new Map<string, Job>()
  const current = new AsyncLocalStorage<Job>()
  const callerOf = (token: string): Caller => {
    const job = jobs.get(token)
    if (job !== undefined) return job.request.caller
    const service = [...jobs].find(([ticket]) => serviceTicket(ticket) === token)?.[1].request.service
    if (service === undefined) throw TokenInvalid({})
    return service
  }
  const seams: ApiSeams = {
    identity: real => ({
      validate: async token => callerOf(token),
      project: id => real.project(id),
      serviceCaller: () => real.serviceCaller(),
      limits: projectId => real.limits(projectId),
      endpoint: (type, which) => real.endpoint(type, which),
    }),
    store: real => ({
      ...real,
      transaction: work =>
        real.transaction(async tx => {
          const job = current.getStore()
          if (job?.isKept === true) {
            const { id } = job.request
            await tx.turn(turnOf.farRequest(id))
            if (!(await tx.novaCells.requests.isHeldBy(id, owner))) throw RequestLost({})
          }
          return work(tx)
        }),
    }),
  }
  const face = compose(seams)
  // What is written down of the request is found by its id.
  face.addHook('onRequest', (http, reply, done) => {
    const id = jobs.get(String(http.headers['x-auth-token']))?.request.requestId
    if (id !== undefined) {
      http.id = id
      for (const name of ['x-openstack-request-id', 'x-compute-request-id']) reply.header(name, id)
    }
    done()
  })
  return {
    async run(request, isKept) {
      const ticket = newHexId()
      const job = { request, isKept }
      jobs.set(ticket, job)
      try {
        // Begun inside: what inject gives begins when it is waited for.
        const answer = await current.run(job, async () => await face.inject(asHttp(request, ticket)))
        return { status: answer.statusCode, headers: plainHeaders(answer.headers), body: readBody(answer.payload) }
      } finally {
        jobs.delete(ticket)
      }
    },
    close: () => face.close(),
  }
}
