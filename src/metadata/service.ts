/** The HTTP face of the metadata service, nova-api-metadata. */
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, Fault, Log } from '#base'
import type { Config } from '#config'
import { createFace, type Face, type FaultAnswer, reasonOf } from '#http'
import { longestServerPassword } from '#model'
import { MetadataMissing, MetadataRequestBad, PasswordAlreadySet } from './faults.ts'
import { providerRequester, signedRequester } from './identify.ts'
import { ec2VersionList, isRoot, lookup } from './lookup.ts'
import type { Door, InstanceMetadata, MetadataSource } from './source.ts'
import { createVendorData, type VendorData, type VendorDataConfig } from './vendor-data.ts'
import { ViewCache } from './view-cache.ts'

export interface MetadataConfig {
  readonly api: VendorDataConfig & Pick<Config['api'], 'dhcp_domain' | 'metadata_cache_expiration'>
  readonly neutron: Pick<Config['neutron'], 'service_metadata_proxy' | 'metadata_proxy_shared_secret'>
}

export interface MetadataServiceOptions {
  readonly source: MetadataSource
  /** The loaded nova.conf fits as it is. */
  readonly config: MetadataConfig
  readonly log: Log
  readonly clock: Clock
  /** Keystone token for vendor data services. */
  readonly vendorDataToken?: () => Promise<string | undefined>
}

export interface MetadataService {
  readonly face: Face
  /** A guest's connection that somebody else accepted, and the door it came in by; the face must be listening. */
  accept(socket: Socket, door: Door): void
  /** Something a guest may see has changed, or the instance is gone: the next read is fresh. */
  invalidate(instanceId: string): void
}

/** The page that WebOb makes of an error, known to everybody who has asked 169.254.169.254 for the wrong thing. */
function page(status: number, words: string): FaultAnswer {
  const title = `${status} ${reasonOf(status) ?? ''}`
  const text = words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return {
    status,
    contentType: 'text/html; charset=UTF-8',
    body: `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${text}<br /><br />\n\n\n\n </body>\n</html>`,
  }
}

const unknownError = 'An unknown error has occurred. Please try your request again.'

function pathOf(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '/')
  } catch {
    throw MetadataMissing({})
  }
}

interface Requester {
  readonly view: InstanceMetadata
  readonly address: string
}

class Answers {
  readonly #options: MetadataServiceOptions
  readonly #cache: ViewCache
  readonly #vendorData: VendorData
  readonly #doors = new WeakMap<Socket, Door>()

  constructor(options: MetadataServiceOptions, cache: ViewCache, vendorData: VendorData) {
    this.#options = options
    this.#cache = cache
    this.#vendorData = vendorData
  }

  cameBy(socket: Socket, door: Door): void {
    this.#doors.set(socket, door)
  }

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const path = pathOf(request.url)
    if (isRoot(path)) {
      return reply.type('text/plain; charset=UTF-8').send(ec2VersionList)
    }
    const { view, address } = await this.#requester(request)
    const found = await lookup(view, path, {
      dhcpDomain: this.#options.config.api.dhcp_domain,
      requester: address,
      nowMs: this.#options.clock.now(),
      vendorData: this.#vendorData,
    })
    if (found === undefined) throw MetadataMissing({})
    if (found.kind === 'password') return this.#password(view, request, reply)
    const { type, body } = found.document
    return reply.type(`${type}; charset=UTF-8`).send(body)
  }

  async #password(view: InstanceMetadata, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.type('text/plain; charset=UTF-8')
    if (request.method === 'GET' || request.method === 'HEAD') return reply.send(view.password)
    if (request.method !== 'POST') {
      throw MetadataRequestBad({
        words: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
      })
    }
    if (view.password !== '') throw PasswordAlreadySet({})
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    if (body.length > longestServerPassword) throw MetadataRequestBad({ words: 'Request is too large.' })
    const isSaved = await this.#options.source.savePassword(view.id, body.toString('utf8'))
    this.#cache.forget(view.id)
    if (!isSaved) throw PasswordAlreadySet({})
    return reply.send('')
  }

  async #requester(request: FastifyRequest): Promise<Requester> {
    const { neutron } = this.#options.config
    return neutron.service_metadata_proxy
      ? this.#proxied(request, neutron.metadata_proxy_shared_secret)
      : this.#direct(request)
  }

  async #direct(request: FastifyRequest): Promise<Requester> {
    const { log, source } = this.#options
    if (request.headers['x-instance-id'] !== undefined) {
      log.warn('X-Instance-ID ignored: [neutron]service_metadata_proxy is off')
    }
    const { socket } = request.raw
    const remote = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
    const door = this.#doors.get(socket)
    const where = door === undefined ? 'here' : `${door.kind} ${door.id}`
    // Whose address it is now is always looked up: the next server may have it a moment after the last one.
    const id = await source.idByAddress(door, remote)
    const view = id === undefined ? undefined : await this.#cache.get(`instance ${id}`, () => source.byInstanceId(id))
    if (view === undefined) {
      log.warn({ address: remote, at: where }, 'no instance has the address that asked for metadata')
      throw MetadataMissing({})
    }
    return { view, address: remote }
  }

  async #proxied(request: FastifyRequest, secret: string): Promise<Requester> {
    const { source } = this.#options
    const balanced = providerRequester(request.headers, secret)
    const asking = balanced === undefined ? signedRequester(request.headers, secret) : await this.#balanced(balanced)
    const view = await this.#cache.get(`instance ${asking.instanceId}`, () => source.byInstanceId(asking.instanceId))
    if (view === undefined || view.projectId !== asking.projectId) {
      this.#options.log.warn(
        { instance_id: asking.instanceId, project_id: asking.projectId },
        'no such instance in that project asked for metadata',
      )
      throw MetadataMissing({})
    }
    return { view, address: asking.address }
  }

  async #balanced(asking: { provider: string; address: string }) {
    const found = await this.#options.source.byProvider?.(asking.provider, asking.address)
    if (found === undefined) {
      const words = `Expected a single port matching provider ${asking.provider} and IP ${asking.address}.`
      throw MetadataRequestBad({ words })
    }
    return { ...found, address: asking.address }
  }
}

export function createMetadataService(options: MetadataServiceOptions): MetadataService {
  const { config, log, clock } = options
  const cache = new ViewCache(clock, config.api.metadata_cache_expiration * 1000)
  const { vendorDataToken: token } = options
  const vendorData = createVendorData({ config: config.api, log, ...(token === undefined ? {} : { token }) })
  const answers = new Answers(options, cache, vendorData)
  const face = createFace({
    log,
    renderFault: (fault: Fault) => page(fault.status, fault.status >= 500 ? unknownError : fault.message),
    notFound: () => page(404, MetadataMissing({}).message),
  })
  face.route({
    // Nova looks at the method for `password` only.
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/*',
    handler: (request, reply) => answers.answer(request, reply),
  })
  return {
    face,
    accept(socket, door) {
      answers.cameBy(socket, door)
      face.server.emit('connection', socket)
    },
    invalidate: instanceId => cache.forget(instanceId),
  }
}
