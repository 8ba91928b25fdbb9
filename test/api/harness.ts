/**
 * A whole cloud in this process for tests of the Compute API: the API over HTTP on a free port, a store in memory, real
 * conductor, scheduler and compute agents over fake hypervisors, the built-in identity, image, volume, network and
 * placement.
 *
 *     const cloud = await startCloud()                          // in before(); cloud.close() in after()
 *     const id = await cloud.bootServer()                       // by the member, ACTIVE when it returns
 *     const reply = await cloud.request('GET', `/servers/${id}`, { version: '2.90', as: cloud.reader })
 *     reply.expect(200).body.server.name
 *
 * A reply that is not of its declared shape and a fault that its operation does not list fail the request that met them.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiDeps, type ApiSettings, createComputeApi, databaseQuotas, type QuotaSource } from '#api'
import { type Clock, Closers, type Log, newUuid, silentLog, systemClock, waitFor } from '#base'
import { computeContract, conductorContract, InProcessBus } from '#bus'
import { fileKeys, type IdentityPort, ironicPort } from '#cloud'
import { type Agent, imageSource } from '#compute'
import { type LoadOptions, loadConfig } from '#config'
import { type CatalogService, createIdentityService } from '#embedded/identity'
import { createImageService } from '#embedded/image'
import { createShareService } from '#embedded/share'
import { createVolumeService } from '#embedded/volume'
import { listen } from '#http'
import { createNetworkService, type NetworkService } from '#network'
import { watched } from '#notify'
import { createPlacement, type Placement } from '#placement'
import { Enforcer, novaDefaults } from '#policy'
import { openStore, type Store } from '#store'
import type { StatementCounter } from '#store/engine'
import { createFakeDriver, type FakeDriver, type FakeHardware } from '#virt/fake'
import { composeCompute } from '../../src/allinone/compose/compute.ts'
import { inCells } from '../../src/allinone/compose/compute-api.ts'
import { composeConductor, composeScheduler, followServers } from '../../src/allinone/compose/control.ts'
import { openDatabase } from '../../src/allinone/compose/database.ts'
import { networkCapacityOf } from '../../src/allinone/compose/network-capacity.ts'
import { noticesFromConfig } from '../../src/allinone/compose/notices.ts'
import type { WithStore } from '../../src/allinone/compose/shared.ts'
import { databaseAt, freshDatabase } from '../database/index.ts'
import { Answer, type Json } from './answer.ts'
import { type CellWishes, cellPlaces, openTestCells, type TestCells } from './cells.ts'
import { paced, pacedStore } from './paced.ts'
import { introduce, type People, type Person } from './people.ts'

export { Answer, type Json } from './answer.ts'
export type { Person } from './people.ts'

/** The newest microversion. */
export const newest = '2.104'

export interface CloudOptions {
  /** Names of compute hosts; one by default. */
  readonly hosts?: readonly string[]
  /** More services for the catalogue. */
  readonly catalog?: readonly CatalogService[]
  /** CPUs, memory nodes and devices that the hosts tell about; none by default. */
  readonly hardware?: FakeHardware | ((host: string) => FakeHardware)
  /** What differs from Nova's defaults. */
  readonly settings?: Partial<ApiSettings>
  /** Quotas that differ from Nova's defaults, by their names in the API. */
  readonly quotas?: Readonly<Record<string, number>>
  /** Instead of limits in the database. */
  readonly quotaSource?: (identity: IdentityPort) => QuotaSource
  /** Options of nova.conf that differ, by section and name, for scheduler, conductor and hosts. */
  readonly config?: LoadOptions['overrides']
  /** Where the API logs; nowhere by default. */
  readonly log?: Log
  /** Counts the statements of Nova's own database. */
  readonly counter?: StatementCounter
  /** A folder for the databases, one file per service; in memory by default. */
  readonly databases?: string
  /** A clock of the test's own; then nothing that waits goes on unless the test advances it, and tokens last a year. */
  readonly clock?: Clock
  /** Hosts by the names of their cells, instead of `hosts`; a cell with null has no database that could be opened. */
  readonly cells?: CellWishes
  /** What each host has; 64 CPUs, 64 GiB and 1000 GiB by default. */
  readonly hostSize?: { readonly vcpus: number; readonly memoryMiB: number; readonly diskGiB: number }
}

export interface Ask {
  /** Microversion; none is sent by default, which means 2.1. */
  readonly version?: string
  readonly body?: unknown
  /** Default: the member. */
  readonly as?: Person
  readonly headers?: Readonly<Record<string, string>>
}

export interface ServerWish extends Ask {
  readonly name?: string
  /** More fields of the body's `server`. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** `os:scheduler_hints`. */
  readonly hints?: Readonly<Record<string, unknown>>
  /** Waited for; default ACTIVE. */
  readonly status?: string
}

export interface ApiCloud extends People {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly deps: ApiDeps
  readonly store: Store
  /** Where there are several. */
  readonly cells?: TestCells
  readonly network: NetworkService
  readonly placement: Placement
  readonly drivers: ReadonlyMap<string, FakeDriver>
  /** nova-compute of the host ends, its guests do not. */
  stopHost(host: string): Promise<void>
  startHost(host: string): Promise<void>
  /** The driver of the first host. */
  readonly driver: FakeDriver
  /** A public image without content, a public flavor (1 VCPU, 128 MiB, 1 GiB), the member's network `private`. */
  readonly imageId: string
  readonly flavorId: string
  readonly networkId: string
  /** Paths are below /v2.1 unless they begin with /v2. Redirects are not followed. */
  request(method: string, path: string, ask?: Ask): Promise<Answer>
  /** For requests made by other means: bad replies and unlisted faults since the last time. */
  complaints(): readonly string[]
  /** The network's own API, in process: `neutron('POST', '/ports', { port: {…} })`. */
  neutron(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, as?: Person): Promise<Json>
  /** The volumes' own API, in process, below the project: `cinder('POST', '/volumes', { volume: {…} })`. */
  cinder(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, as?: Person): Promise<Json>
  /** The shares' own API, in process: `manila('POST', '/shares', { share: {…} })`. */
  manila(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, as?: Person): Promise<Json>
  /** A share of the member's, available; its id. */
  newShare(fields?: Readonly<Record<string, unknown>>, as?: Person): Promise<string>
  /** A volume of the member's, available; its id. */
  newVolume(fields?: Readonly<Record<string, unknown>>, as?: Person): Promise<string>
  /** The volume once it has the status. */
  volumeIs(id: string, status: string): Promise<Json>
  /** The identity service, in process, as its administrator. */
  keystone(method: 'GET' | 'POST' | 'PATCH' | 'PUT', path: string, body?: unknown): Promise<Json>
  /** The owner's network of that name, with a subnet. */
  newNetwork(name: string, cidr: string, owner?: Person): Promise<string>
  newFlavor(fields: Readonly<Record<string, unknown>>): Promise<string>
  /** A server on the network `private`; its id when it has the status. */
  bootServer(wish?: ServerWish): Promise<string>
  server(id: string, ask?: Ask): Promise<Json>
  /** The server once it has the status and no task; fails at once when it is ERROR instead. */
  waitForStatus(id: string, status: string): Promise<Json>
  waitUntilGone(id: string): Promise<void>
  close(): Promise<void>
}

/** Where the catalogue says that the image service is; links point there, nobody calls it. */
export const glanceAddress = 'http://images.test:9292'

const patienceMs = 20_000
const adminPassword = 'a secret of the test'

const novaQuotas = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  metadata_items: 128,
  injected_files: 5,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
} as const

const settingsOf = (options: CloudOptions): ApiSettings => ({
  defaultZone: 'nova',
  internalZone: 'internal',
  defaultScheduleZone: null,
  serviceDownTimeMs: 60_000,
  showsAdminPassword: true,
  rescueImageId: null,
  maxLimit: 1000,
  passwordLength: 12,
  reclaimMs: 0,
  forceConfigDrive: false,
  defaultFloatingPool: 'nova',
  maxLocalDevices: 3,
  maxDiskDevices: -1,
  mixesZones: true,
  allowsResizeToSameHost: false,
  crossesZonesToAttach: true,
  glanceLinkPrefix: null,
  nonInheritableImageProperties: ['cache_in_nova', 'bittorrent'],
  usageAuditPeriod: 'month',
  pciAliases: options.config?.pci?.alias ?? [],
  ...options.settings,
})

const databaseOf = async ({ databases }: CloudOptions, service: string): Promise<{ readonly databaseUrl: string }> => ({
  databaseUrl: await (databases === undefined ? freshDatabase() : databaseAt(databases, service)),
})

async function openNeighbours(folder: string, options: CloudOptions, closers: Closers) {
  const { catalog = [], clock = systemClock } = options
  const common = { log: silentLog, clock }
  const at = (service: string) => databaseOf(options, service)
  const identity = await createIdentityService({
    ...common,
    ...(await at('identity')),
    adminPassword,
    region: 'RegionOne',
    ...(options.clock === undefined ? {} : { tokenLifetimeMs: 365 * 86_400_000 }),
  })
  closers.add(() => identity.close())
  await identity.setCatalog([{ type: 'image', name: 'glance', endpoints: { public: glanceAddress } }, ...catalog])
  const behind = { ...common, identity: identity.port }
  const images = await createImageService({ ...behind, ...(await at('image')), imagesPath: join(folder, 'images') })
  closers.add(() => images.close())
  const storage = { images: images.port, volumesPath: join(folder, 'volumes') }
  const volumes = await createVolumeService({ ...behind, ...(await at('volume')), ...storage })
  closers.add(() => volumes.close())
  const shares = await createShareService({ ...behind, ...(await at('share')), sharesPath: join(folder, 'shares') })
  closers.add(() => shares.close())
  const network = await createNetworkService({ ...behind, ...(await at('network')) })
  closers.add(() => network.close())
  const placement = await createPlacement({ ...behind, ...(await at('placement')) })
  closers.add(() => placement.close())
  return { identity, images, volumes, shares, network, placement, keys: fileKeys(join(folder, 'keys')) }
}
type Neighbours = Awaited<ReturnType<typeof openNeighbours>>

/** What conductor, scheduler and hosts work with; with Nova's own database in `store`. */
const sharedOf = ({ clock = systemClock, config }: CloudOptions, store: Store): WithStore => ({
  config: loadConfig({ env: {}, overrides: config ?? {} }),
  clock,
  log: silentLog,
  bus: new InProcessBus(),
  store,
})

/** Conductor, scheduler and one agent per host over the bus of its cell; without `cells` there is one. */
async function openServices(
  folder: string,
  options: CloudOptions,
  near: Neighbours,
  shared: WithStore,
  cells: TestCells | undefined,
  closers: Closers,
) {
  const { clock, bus } = shared
  const { hostSize = { vcpus: 64, memoryMiB: 65_536, diskGiB: 1000 } } = options
  const capacity = networkCapacityOf(shared.config, near.placement.port)
  const ports = {
    identity: near.identity.port,
    images: near.images.port,
    network: near.network.port,
    placement: near.placement.port,
    volumes: near.volumes.port,
    shares: near.shares.port,
    plugger: near.network.plugger,
    ...(capacity === undefined ? {} : { networkCapacity: capacity }),
    keys: near.keys,
  }
  closers.add(await composeScheduler(shared, ports, cells))
  if (cells === undefined) {
    const conductor = await composeConductor(shared, ports, { isAlone: true })
    closers.add(() => conductor.stop())
    near.network.onServersChanged(followServers(bus))
  } else {
    await cells.startConductors(shared, ports, closers)
    near.network.onServersChanged(cells.followServers)
  }
  const drivers = new Map<string, FakeDriver>()
  const disks = { images: imageSource(() => near.images.port), path: join(folder, 'disks') }
  for (const host of cells?.hosts ?? options.hosts ?? ['host-1']) {
    const given = options.hardware ?? {}
    const hardware = typeof given === 'function' ? given(host) : given
    const driver = createFakeDriver({ hostName: host, ...hostSize, disks, clock, hardware })
    closers.add(() => driver.close())
    drivers.set(host, driver)
  }
  const agents = new Map<string, Agent>()
  closers.add(async () => {
    for (const agent of agents.values()) await agent.stop()
  })
  const startHost = async (host: string): Promise<void> => {
    const driver = drivers.get(host)
    assert.ok(driver !== undefined)
    const at = { host, statePath: join(folder, host), images: () => near.images.port, hasEveryConsole: true }
    agents.set(host, await composeCompute({ ...shared, bus: cells?.busOfHost(host) ?? bus }, driver, at))
  }
  const stopHost = async (host: string): Promise<void> => {
    await agents.get(host)?.stop()
    agents.delete(host)
  }
  for (const host of drivers.keys()) await startHost(host)
  return { drivers, startHost, stopHost }
}

async function makeImage({ images, identity }: Neighbours, folder: string): Promise<string> {
  const id = newUuid()
  const file = join(folder, 'image.raw')
  writeFileSync(file, Buffer.alloc(4096))
  const ownerId = identity.bootstrapped.adminProjectId
  await images.register.reserve({ id, name: 'empty', diskFormat: 'raw', ownerId, properties: { os_distro: 'debian' } })
  await images.register.publish(id, file)
  return id
}

async function openApi(deps: ApiDeps, closers: Closers) {
  const complaints: string[] = []
  const face = createComputeApi({
    deps,
    identity: deps.identity,
    policy: new Enforcer({ defaults: novaDefaults, log: silentLog, clock: deps.clock }),
    options: { maxLimit: deps.settings.maxLimit },
    hooks: {
      onBadReply: (complaint, { method, path }, version) =>
        complaints.push(`reply of ${method} ${path} at 2.${version}: ${complaint.path.join('.')} ${complaint.message}`),
      onUnlistedFault: (fault, { method, path, action }) =>
        complaints.push(`${method} ${path} ${action ?? ''} does not list ${fault.code}: ${fault.message}`),
    },
  })
  closers.add(() => face.close())
  const url = `http://127.0.0.1:${await listen(face, { service: 'the test API', host: '127.0.0.1', port: 0 })}`
  const request = async (method: string, path: string, ask: Ask & { as: Person }): Promise<Answer> => {
    const payload = typeof ask.body === 'string' ? ask.body : JSON.stringify(ask.body)
    const response = await fetch(`${url}${path.startsWith('/v2') ? '' : '/v2.1'}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        'x-auth-token': ask.as.token,
        ...(ask.version === undefined ? {} : { 'openstack-api-version': `compute ${ask.version}` }),
        ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...ask.headers,
      },
      ...(ask.body === undefined ? {} : { body: payload }),
    })
    const answer = new Answer(response.status, response.headers, await response.text())
    assert.deepEqual(complaints.splice(0), [], `${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  return { url, request, complaints: () => complaints.splice(0) }
}

function neutronOf({ network }: Neighbours, usual: Person): ApiCloud['neutron'] {
  return async (method, path, body, as = usual) => {
    const answer = await network.face.inject({
      method,
      url: `/v2.0${path}`,
      headers: { 'x-auth-token': as.token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
    assert.ok(answer.statusCode < 300, `${method} ${path}: ${answer.statusCode} ${answer.body}`)
    return answer.body === '' ? undefined : answer.json()
  }
}

function cinderOf({ volumes }: Neighbours, usual: Person): Pick<ApiCloud, 'cinder' | 'newVolume' | 'volumeIs'> {
  const cinder: ApiCloud['cinder'] = async (method, path, body, as = usual) => {
    const answer = await volumes.face.inject({
      method,
      url: `/v3/${as.projectId}${path}`,
      headers: { 'x-auth-token': as.token, 'content-type': 'application/json', 'openstack-api-version': 'volume 3.67' },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
    assert.ok(answer.statusCode < 300, `${method} ${path}: ${answer.statusCode} ${answer.body}`)
    return answer.body === '' ? undefined : answer.json()
  }
  const volumeIs: ApiCloud['volumeIs'] = (id, status) =>
    waitFor(
      `volume ${id} to be ${status}`,
      async () => {
        const { volume } = await cinder('GET', `/volumes/${id}`)
        return volume.status === status ? volume : undefined
      },
      { deadlineMs: patienceMs, everyMs: 5 },
    )
  const newVolume: ApiCloud['newVolume'] = async (fields = {}, as = usual) => {
    const { volume } = await cinder('POST', '/volumes', { volume: { size: 1, ...fields } }, as)
    if (as === usual) await volumeIs(volume.id, 'available')
    return volume.id
  }
  return { cinder, newVolume, volumeIs }
}

function manilaOf({ shares }: Neighbours, usual: Person): Pick<ApiCloud, 'manila' | 'newShare'> {
  const manila: ApiCloud['manila'] = async (method, path, body, as = usual) => {
    const answer = await shares.face.inject({
      method,
      url: `/v2${path}`,
      headers: {
        'x-auth-token': as.token,
        'content-type': 'application/json',
        'x-openstack-manila-api-version': '2.82',
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
    assert.ok(answer.statusCode < 300, `${method} ${path}: ${answer.statusCode} ${answer.body}`)
    return answer.body === '' ? undefined : answer.json()
  }
  const newShare: ApiCloud['newShare'] = async (fields = {}, as = usual) => {
    const { share } = await manila('POST', '/shares', { share: { size: 1, share_proto: 'NFS', ...fields } }, as)
    const isThere = async () => {
      const { share: now } = await manila('GET', `/shares/${share.id}`, undefined, as)
      return now.status === 'available' ? true : undefined
    }
    await waitFor('the share', isThere, { deadlineMs: patienceMs, everyMs: 5 })
    return share.id
  }
  return { manila, newShare }
}

function keystoneOf({ identity }: Neighbours, { token }: Person): ApiCloud['keystone'] {
  return async (method, path, body) => {
    const answer = await identity.face.inject({
      method,
      url: `/v3${path}`,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
    assert.ok(answer.statusCode < 300, `${method} ${path}: ${answer.statusCode} ${answer.body}`)
    return answer.body === '' ? undefined : answer.json()
  }
}

/** What tests do with servers, by the public API alone. */
function serverWays(
  request: ApiCloud['request'],
  admin: Person,
  home: { imageId: string; flavorId: string; networkId: string },
) {
  const server: ApiCloud['server'] = async (id, ask) =>
    (await request('GET', `/servers/${id}`, { version: newest, ...ask })).expect(200).body.server
  const waitForStatus: ApiCloud['waitForStatus'] = (id, status) =>
    waitFor(
      `${id} to become ${status}`,
      async () => {
        const now = await server(id, { as: admin })
        const isSettled = now.status === status && now['OS-EXT-STS:task_state'] === null
        if (now.status === 'ERROR' && status !== 'ERROR') assert.fail(JSON.stringify(now.fault))
        return isSettled ? now : undefined
      },
      { deadlineMs: patienceMs, everyMs: 5 },
    )
  const bootServer: ApiCloud['bootServer'] = async (wish = {}) => {
    const { name = 'server', fields, hints, status = 'ACTIVE', ...ask } = wish
    const { imageId, flavorId, networkId } = home
    const body = {
      server: { name, imageRef: imageId, flavorRef: flavorId, networks: [{ uuid: networkId }], ...fields },
      ...(hints === undefined ? {} : { 'os:scheduler_hints': hints }),
    }
    const { id } = (await request('POST', '/servers', { version: newest, ...ask, body })).expect(202).body.server
    await waitForStatus(id, status)
    return id
  }
  const waitUntilGone = async (id: string): Promise<void> => {
    const isGone = async () =>
      (await request('GET', `/servers/${id}`, { as: admin })).status === 404 ? true : undefined
    await waitFor(`${id} to be gone`, isGone, { deadlineMs: patienceMs, everyMs: 5 })
  }
  return { server, waitForStatus, bootServer, waitUntilGone }
}

async function open(options: CloudOptions, folder: string, closers: Closers): Promise<ApiCloud> {
  const near = await openNeighbours(folder, options, closers)
  const { counter, cells: wanted } = options
  const places = wanted === undefined ? undefined : await cellPlaces(folder)
  const told = { ...options, config: { ...options.config, ...places?.config } }
  const store =
    places === undefined
      ? await openStore((await databaseOf(options, 'nova')).databaseUrl, counter === undefined ? {} : { counter })
      : await openDatabase(loadConfig({ env: {}, overrides: told.config }))
  closers.add(() => store.close())
  const shared = sharedOf(told, store)
  const { bus } = shared
  const cells =
    wanted === undefined || places === undefined ? undefined : await openTestCells(wanted, places, shared, closers)
  const { drivers, startHost, stopHost } = await openServices(folder, told, near, shared, cells, closers)
  const [driver] = drivers.values()
  assert.ok(driver !== undefined)
  const { clock = systemClock, config = {} } = options
  const notices = noticesFromConfig({ config: loadConfig({ env: {}, overrides: config }), clock, log: silentLog })
  const home: ApiDeps = {
    store: pacedStore(watched(store, notices)),
    notices,
    identity: near.identity.port,
    images: near.images.port,
    network: paced(near.network.port),
    placement: near.placement.port,
    volumes: near.volumes.port,
    shares: near.shares.port,
    keys: near.keys,
    quotas: options.quotaSource?.(near.identity.port) ?? databaseQuotas({ ...novaQuotas, ...options.quotas }),
    baremetal: ironicPort(near.identity.port, options.clock ?? systemClock),
    conductor: bus.client(conductorContract),
    computeOn: host => bus.client(computeContract, host),
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    settings: settingsOf(options),
  }
  const deps = cells === undefined ? home : inCells(home, cells)
  const people = await introduce(near.identity, adminPassword)
  const { admin, member } = people
  const api = await openApi(deps, closers)
  // The volume service tells Nova by its public API, where the catalogue says it is.
  const everywhere = { public: `${api.url}/v2.1`, internal: `${api.url}/v2.1`, admin: `${api.url}/v2.1` }
  await near.identity.setCatalog([{ type: 'compute', name: 'nova', endpoints: everywhere }])
  const request: ApiCloud['request'] = (method, path, ask = {}) => api.request(method, path, { as: member, ...ask })
  const newFlavor: ApiCloud['newFlavor'] = async fields => {
    const flavor = { ram: 128, disk: 1, vcpus: 1, ...fields }
    return (await request('POST', '/flavors', { as: admin, body: { flavor } })).expect(200).body.flavor.id
  }
  const newNetwork: ApiCloud['newNetwork'] = async (name, cidr, { projectId } = member) =>
    (await near.network.ensureDefaultNetwork({ projectId, name, cidr })).id
  const given = {
    imageId: await makeImage(near, folder),
    flavorId: await newFlavor({ name: 'm1.test' }),
    networkId: await newNetwork('private', '10.7.0.0/24'),
  }
  return {
    ...people,
    ...given,
    ...serverWays(request, admin, given),
    url: api.url,
    complaints: api.complaints,
    deps,
    store,
    ...(cells === undefined ? {} : { cells }),
    network: near.network,
    placement: near.placement,
    drivers,
    startHost,
    stopHost,
    driver,
    request,
    neutron: neutronOf(near, member),
    keystone: keystoneOf(near, admin),
    ...cinderOf(near, member),
    ...manilaOf(near, member),
    newNetwork,
    newFlavor,
    close: () => closers.close(),
  }
}

export async function startCloud(options: CloudOptions = {}): Promise<ApiCloud> {
  const folder = mkdtempSync(join(tmpdir(), 'nova-api-test-'))
  const closers = new Closers()
  closers.add(() => rmSync(folder, { recursive: true, force: true }))
  try {
    return await open(options, folder, closers)
  } catch (error) {
    await closers.close()
    throw error
  }
}
