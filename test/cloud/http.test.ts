import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import { Fault, ManualClock, silentLog, systemClock, waitFor } from '#base'
import {
  type Caller,
  EndpointMissing,
  glancePort,
  HttpClient,
  keystonePort,
  NeighbourFailed,
  NeighbourUnavailable,
  neutronPort,
  placementPort,
  ServiceCredentialsRefused,
  Session,
  TokenInvalid,
  withRequestId,
} from '#cloud'
import { type BuiltIn, overHttp, serviceCredentials, startBuiltIn } from './neighbours.ts'

/** A neighbour that misbehaves as told, and remembers what it was asked. */
class Strange {
  readonly asked: { method: string; url: string; headers: IncomingMessage['headers'] }[] = []
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('{}')
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      const { method = '', url = '', headers } = request
      this.asked.push({ method, url, headers })
      request.resume()
      request.on('end', () => this.answer(request, response))
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

let builtIn: BuiltIn
const clients: HttpClient[] = []
let strange: Strange
let strangeUrl: string
describe('the HTTP adapters', () => {
  beforeEach(async () => {
    builtIn ??= await startBuiltIn()
    strange = new Strange()
    strangeUrl = await strange.listen()
  })
  afterEach(async () => {
    strange.close()
    for (const client of clients.splice(0)) await client.close()
  })
  after(() => builtIn.close())

  const parts = (timeoutMs = 5_000) => {
    const http = new HttpClient({ clock: systemClock, timeoutMs, attempts: 3, retryDelayMs: 1 })
    clients.push(http)
    const credentials = serviceCredentials(builtIn.urls.identity)
    const session = new Session({ http, credentials, clock: systemClock })
    const at = (serviceType: string, override = strangeUrl) => ({
      http,
      session,
      endpoint: { override, serviceType, interfaces: ['public'] },
    })
    return { http, session, at }
  }

  test('what may be repeated is repeated while the service is not ready; what may not is not', async () => {
    const { at } = parts()
    strange.answer = (_, response) => response.writeHead(503).end('busy')
    const isBusy = (error: unknown) =>
      NeighbourUnavailable.is(error) && error.kind === 'transient' && error.status === 503
    await assert.rejects(glancePort(at('image')).get('service', 'x'), isBusy)
    assert.equal(strange.asked.length, 3)
    const post = { networkId: 'n', projectId: 'p', deviceId: 'd', deviceOwner: 'o' }
    await assert.rejects(neutronPort({ ...at('network'), clock: systemClock }).createPort('service', post), isBusy)
    assert.deepEqual(
      strange.asked.slice(3).map(a => a.method),
      ['POST'],
    )
  })

  test('a connection cut in the middle of an answer is transient, and repeated', async () => {
    const { at } = parts()
    strange.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{')
      response.destroy()
    }
    await assert.rejects(glancePort(at('image')).get('service', 'x'), NeighbourUnavailable.is)
    assert.equal(strange.asked.length, 3)
  })

  test('nobody listening is transient, also for what may not be repeated', async () => {
    const { at } = parts()
    strange.close()
    const placement = placementPort({ ...at('placement'), log: silentLog })
    await assert.rejects(placement.provider('x'), error => {
      assert.ok(NeighbourUnavailable.is(error))
      assert.match(error.detail ?? '', /ECONNREFUSED/)
      assert.doesNotMatch(error.message, /127\.0\.0\.1/)
      return true
    })
  })

  test('no answer in time is transient', async () => {
    const { at } = parts(50)
    strange.answer = () => {}
    await assert.rejects(glancePort(at('image')).get('service', 'x'), error => {
      assert.ok(NeighbourUnavailable.is(error))
      assert.match(error.detail ?? '', /no answer in 50 ms/)
      return true
    })
  })

  test('a broken neighbour is final, an unknown refusal keeps its status and words', async () => {
    const { at } = parts()
    strange.answer = (_, response) => response.writeHead(500).end('Traceback')
    await assert.rejects(glancePort(at('image')).get('service', 'x'), NeighbourFailed.is)
    assert.equal(strange.asked.length, 1)
    strange.answer = (request, response) =>
      request.url?.includes('extensions') === true
        ? json(response, 200, { extensions: [] })
        : json(response, 409, { NeutronError: { type: 'MacAddressInUse', message: 'The mac is in use.', detail: '' } })
    const request = { networkId: 'n', projectId: 'p', deviceId: 'd', deviceOwner: 'o' }
    await assert.rejects(
      neutronPort({ ...at('network'), clock: systemClock }).createPort('service', request),
      error => {
        assert.ok(error instanceof Fault)
        assert.deepEqual([error.code, error.kind, error.status], ['MacAddressInUse', 'conflict', 409])
        assert.equal(error.message, 'The mac is in use.')
        return true
      },
    )
  })

  test('request ids, our token and the token of the service user travel along', async () => {
    const { at, session } = parts()
    strange.answer = (_, response) => json(response, 404, {})
    const user = { ...(await session.caller()), token: 'token-of-a-user' } satisfies Caller
    const images = glancePort({ ...at('image'), serviceUser: session })
    await withRequestId('req-12', () => images.get(user, 'x')).catch(() => undefined)
    await images.get('service', 'x').catch(() => undefined)
    const [forUser, forNova] = strange.asked.map(a => a.headers)
    const own = await session.token()
    assert.deepEqual(
      [forUser?.['x-openstack-request-id'], forUser?.['x-auth-token'], forUser?.['x-service-token']],
      ['req-12', 'token-of-a-user', own],
    )
    assert.deepEqual(
      [forNova?.['x-openstack-request-id'], forNova?.['x-auth-token'], forNova?.['x-service-token']],
      [undefined, own, undefined],
    )
  })

  test('a token of ours that is refused is renewed once; one of a user is the user’s affair', async () => {
    const { at, session } = parts()
    strange.answer = (_, response) => json(response, 401, {})
    const old = await session.token()
    await assert.rejects(glancePort(at('image')).get('service', 'x'), ServiceCredentialsRefused.is)
    assert.equal(strange.asked.length, 2)
    assert.equal(strange.asked[0]?.headers['x-auth-token'], old)
    assert.notEqual(strange.asked[1]?.headers['x-auth-token'], old)
    await assert.rejects(glancePort(at('image')).get(await session.caller(), 'x'), TokenInvalid.is)
    assert.equal(strange.asked.length, 3)
  })

  test('after a revoked token everything goes on by itself', async () => {
    const http = overHttp(builtIn)
    clients.push(http.http)
    const token = await http.session.token()
    const headers = { 'x-auth-token': token, 'x-subject-token': token }
    await fetch(`${builtIn.urls.identity}/v3/auth/tokens`, { method: 'DELETE', headers })
    assert.deepEqual(await http.images.list('service'), await builtIn.images.list('service'))
    assert.notEqual(await http.session.token(), token)
  })

  test('many who need a token cause one login; it is renewed before it ends', async () => {
    const clock = new ManualClock()
    const http = new HttpClient({ clock, retryDelayMs: 1 })
    clients.push(http)
    let logins = 0
    strange.answer = (_, response) => {
      logins++
      response.setHeader('x-subject-token', `token-${logins}`)
      const owner = { id: 'u', name: 'nova', domain: { id: 'default', name: 'Default' } }
      const expires_at = new Date(clock.now() + 3_600_000).toISOString()
      json(response, 201, { token: { user: owner, expires_at, catalog: [] } })
    }
    const session = new Session({ http, credentials: serviceCredentials(`${strangeUrl}/v2.0/`), clock })
    const tokens = await Promise.all(Array.from({ length: 20 }, () => session.token()))
    assert.deepEqual([...new Set(tokens)], ['token-1'])
    assert.deepEqual(
      strange.asked.map(a => a.url),
      ['/v3/auth/tokens'],
    )
    clock.advance(44 * 60_000)
    assert.equal(await session.token(), 'token-1')
    clock.advance(2 * 60_000)
    assert.equal(await session.token(), 'token-2')
  })

  test('wrong credentials name the user, never the password', async () => {
    const { http } = parts()
    const credentials = { ...serviceCredentials(builtIn.urls.identity), password: 'wrong-secret' }
    const session = new Session({ http, credentials, clock: systemClock })
    await assert.rejects(session.token(), error => {
      assert.ok(ServiceCredentialsRefused.is(error))
      assert.match(error.message, /user nova/)
      assert.doesNotMatch(JSON.stringify([error.message, error.detail]), /wrong-secret/)
      return true
    })
  })

  test('endpoints: the first interface that exists, in the region asked for', async () => {
    const { session } = parts()
    const found = await session.endpoint({
      serviceType: 'image',
      interfaces: ['no-such', 'internal'],
      region: 'RegionOne',
    })
    assert.equal(found, builtIn.urls.image)
    assert.equal(
      await session.endpoint({ serviceType: 'image', interfaces: ['public'], region: 'Elsewhere' }),
      undefined,
    )
    assert.equal(
      await session.endpoint({ serviceType: 'image', interfaces: ['public'], serviceName: 'other' }),
      undefined,
    )
    const { http } = parts()
    const endpoint = { serviceType: 'image', interfaces: ['public'], region: 'Elsewhere' }
    await assert.rejects(glancePort({ http, session, endpoint }).list('service'), EndpointMissing.is)
  })

  test('tokens are believed for the cache’s time, refused ones only shortly, and asked about once', async () => {
    const clock = new ManualClock()
    const http = new HttpClient({ clock, retryDelayMs: 1 })
    clients.push(http)
    let isRevoked = false
    strange.answer = (request, response) => {
      const owner = { id: 'u', name: 'alice', domain: { id: 'default', name: 'Default' } }
      const expires_at = new Date(clock.now() + 3_600_000).toISOString()
      if (request.method === 'POST') response.setHeader('x-subject-token', 'our own')
      const isGood = request.method === 'POST' || (!isRevoked && request.headers['x-subject-token'] === 'good')
      json(response, isGood ? (request.method === 'POST' ? 201 : 200) : 404, { token: { user: owner, expires_at } })
    }
    const session = new Session({ http, credentials: serviceCredentials(strangeUrl), clock })
    const identity = keystonePort({ http, session, clock, tokenCacheMs: 300_000 })
    const lookups = () => strange.asked.filter(a => a.method === 'GET').length
    const all = await Promise.all(Array.from({ length: 30 }, () => identity.validate('good')))
    assert.deepEqual([all.length, lookups()], [30, 1])
    isRevoked = true
    clock.advance(299_000)
    await identity.validate('good')
    clock.advance(2_000)
    await assert.rejects(identity.validate('good'), TokenInvalid.is)
    await assert.rejects(identity.validate('good'), TokenInvalid.is)
    assert.equal(lookups(), 2)
    isRevoked = false
    clock.advance(11_000)
    await identity.validate('good')
    assert.equal(lookups(), 3)
  })

  test('long lists are read page by page', async () => {
    const { at } = parts()
    const image = (id: string) => ({ id, name: id, status: 'active', tags: [], created_at: '', updated_at: '' })
    strange.answer = (request, response) => {
      const isSecond = request.url?.includes('marker=a') === true
      json(response, 200, isSecond ? { images: [image('b')] } : { images: [image('a')], next: '/v2/images?marker=a' })
    }
    assert.deepEqual(
      (await glancePort(at('image')).list('service')).map(i => i.id),
      ['a', 'b'],
    )
    const ids = Array.from({ length: 250 }, (_, i) => `id-${i}`)
    strange.asked.length = 0
    strange.answer = (_, response) => json(response, 200, { networks: [] })
    await neutronPort({ ...at('network'), clock: systemClock }).networks('service', { ids })
    assert.equal(strange.asked.length, 3)
    assert.ok(strange.asked.every(a => a.url.length < 4096))
  })

  test('a download that breaks off is transient', async () => {
    const { at } = parts()
    strange.answer = (request, response) => {
      if (request.url?.endsWith('/file') !== true) return json(response, 200, { id: 'x', status: 'active', tags: [] })
      response.writeHead(200, { 'content-length': '1000000' }).write(Buffer.alloc(1000))
      void waitFor('the head to be read', () => !response.writableNeedDrain || undefined, { deadlineMs: 60_000 }).then(
        () => response.destroy(),
      )
    }
    const bits = await glancePort(at('image')).download('service', 'x')
    const read = async () => {
      for await (const chunk of bits) assert.ok(chunk.length > 0)
    }
    await assert.rejects(read(), NeighbourUnavailable.is)
  })

  test('Neutron with revisions: two who want one port, one gets it', async () => {
    const { at } = parts()
    let revision = 1
    let device = ''
    strange.answer = (request, response) => {
      const port = () => ({
        id: 'p',
        network_id: 'n',
        fixed_ips: [],
        device_id: device,
        revision_number: revision,
        status: 'DOWN',
      })
      if (request.url?.includes('/extensions') === true)
        return json(response, 200, { extensions: [{ alias: 'revision-if-match' }] })
      if (request.method === 'GET') return json(response, 200, { port: port() })
      if (request.headers['if-match'] !== `revision_number=${revision}`) {
        const NeutronError = { type: 'RevisionNumberConstraintFailed', message: 'Constrained to other', detail: '' }
        return json(response, 412, { NeutronError })
      }
      revision++
      device = 'taken'
      json(response, 200, { port: port() })
    }
    const network = neutronPort({ ...at('network'), clock: systemClock })
    const takes = [
      network.updatePort('service', 'p', { deviceId: 'taken' }),
      network.updatePort('service', 'p', { deviceId: 'other' }),
    ]
    const results = await Promise.allSettled(takes)
    assert.equal(results.filter(r => r.status === 'rejected' && (r.reason as Fault).code === 'PortInUse').length, 1)
  })
})
