/** The services that `npm run test:openstack` has started, as a cloud that contracts hold for. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Closers, fromJson, silentLog, systemClock } from '#base'
import {
  cinderPort,
  glancePort,
  HttpClient,
  keystonePort,
  manilaPort,
  neutronPort,
  placementPort,
  Session,
} from '#cloud'
import { createPlacement } from '#placement'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import type { Ports } from '../cloud/neighbours.ts'
import { Rest } from '../cloud/rest.ts'
import type { ComputeEvent, World } from '../cloud/world.ts'
import { freshDatabase } from '../database/index.ts'

export function neighboursFile(): NeighboursFile {
  const path = process.env['NOVA_TEST_OPENSTACK']
  if (path === undefined) throw new Error('npm run test:openstack runs these tests')
  return fromJson<NeighboursFile>(readFileSync(path, 'utf8'))
}

const named = (name: string) => ({ id: null, name, domainId: null, domainName: 'Default' })

function portsOf({ urls, passwords, region }: NeighboursFile, closers: Closers): Ports {
  const clock = systemClock
  const http = new HttpClient({ clock, timeoutMs: 60_000 })
  closers.add(() => http.close())
  const credentials = {
    authUrl: urls.identity,
    user: named('nova'),
    password: passwords.nova,
    project: named('service'),
    applicationCredential: null,
  }
  const session = new Session({ http, credentials, clock })
  const limitsSession = new Session({ http, credentials: { ...credentials, project: null }, clock })
  const service = (serviceType: string) => ({
    http,
    session,
    serviceUser: session,
    endpoint: { serviceType, interfaces: ['internal', 'public'], region },
  })
  return {
    identity: keystonePort({ http, session, limitsSession, clock, tokenCacheMs: 300_000, region }),
    images: glancePort(service('image')),
    network: neutronPort({ ...service('network'), clock }),
    placement: placementPort({ ...service('placement'), log: silentLog }),
    volumes: cinderPort(service('volumev3')),
    shares: manilaPort(service('shared-file-system')),
  }
}

interface Told {
  readonly events: readonly { readonly name: string; readonly server_uuid: string }[]
}

/** Where the catalogue has Nova: it hears what the others tell, and knows no server. */
async function listenForEvents(port: number, closers: Closers): Promise<ComputeEvent[]> {
  const heard: ComputeEvent[] = []
  const version = { id: 'v2.1', status: 'CURRENT', version: '2.95', min_version: '2.1', links: [] }
  const server = createServer(async (request, reply) => {
    const body = await text(request)
    const answer = (status: number, document: unknown) =>
      reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
    if (!request.url?.endsWith('/os-server-external-events')) return answer(200, { version })
    const { events } = fromJson<Told>(body)
    heard.push(...events.map(event => ({ name: event.name, serverId: event.server_uuid })))
    return answer(200, { events: events.map(event => ({ ...event, code: 200, status: 'completed' })) })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  closers.add(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return heard
}

/** Neutron takes the networks that it makes for projects out of pools that an operator has made. */
async function ensureAddressPool(admin: Rest): Promise<void> {
  const path = '/v2.0/subnetpools'
  const known = await admin.call<{ subnetpools: unknown[] }>('network', 'GET', `${path}?is_default=true`)
  if (known.subnetpools.length > 0) return
  const pool = { name: 'default', prefixes: ['10.221.0.0/16'], default_prefixlen: 26, is_default: true, shared: true }
  await admin.call('network', 'POST', path, { subnetpool: pool })
}

export async function realWorld(): Promise<World & { close(): Promise<void> }> {
  const closers = new Closers()
  const file = neighboursFile()
  try {
    const ports = portsOf(file, closers)
    const admin = await Rest.login(file.urls.identity, 'admin', file.passwords.admin, 'admin')
    await ensureAddressPool(admin)
    const heard = await listenForEvents(file.ports.compute, closers)
    const engine = await createPlacement({
      log: silentLog,
      clock: systemClock,
      databaseUrl: await freshDatabase(),
      identity: ports.identity,
    })
    closers.add(() => engine.close())
    return { ports, admin, engine: engine.port, computeEvents: () => heard, close: () => closers.close() }
  } catch (error) {
    await closers.close()
    throw error
  }
}
