import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseQuotas } from '#api'
import { instanceId, newUuid, silentLog, systemClock } from '#base'
import { computeContract, InProcessBus, schedulerContract } from '#bus'
import { type Caller, fileKeys, type IdentityPort, ironicPort, type PlacementPort, TokenInvalid } from '#cloud'
import { described, type HardwareOptions, imageSource } from '#compute'
import type { ConductorDeps } from '#conductor'
import { loadConfig } from '#config'
import { createImageService, type ImageService } from '#embedded/image'
import { createShareService } from '#embedded/share'
import { createVolumeService } from '#embedded/volume'
import { type AgentCapacity, createNetworkService, type NetworkService, networkCapacity } from '#network'
import { noNotices } from '#notify'
import { createPlacement, type Placement } from '#placement'
import { createScheduler, schedulerDefaults, storeClaims, storeHosts } from '#scheduler'
import { openStore, type Store } from '#store'
import { createFakeDriver, type FakeDriver, type FakeHardware } from '#virt/fake'
import { composeConfigDrive } from '../../src/allinone/compose/config-drive.ts'
import type { ApiDeps } from '../../src/api/deps.ts'
import { computeHandlers } from '../../src/compute/handlers.ts'
import { carryIn } from '../../src/conductor/reconcilers/host-report.ts'
import { freshDatabase } from '../database/index.ts'

/** Hosts here never report again, and a machine may be so busy that a sweep takes minutes. */
const patienceMs = 3_600_000

export const imageId = '70a599e0-31e7-49b7-b260-868f441e862b'
export const projectId = 'a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0'

export const caller: Caller = {
  userId: 'b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0',
  userName: 'tester',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId,
  projectName: 'tests',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  roles: ['admin', 'manager', 'member', 'reader'],
  systemScope: false,
  domainId: null,
  token: 'token',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}

const identity: IdentityPort = {
  validate: async token => {
    if (token !== caller.token) throw TokenInvalid({})
    return caller
  },
  project: async id => ({ id, name: id, domainId: 'default', enabled: true }),
  serviceCaller: async () => caller,
  limits: async () => ({}),
  endpoint: async () => undefined,
}

/** A small cloud in memory without an engine: whoever uses it decides when sagas run, fail and crash. */
export interface SmallCloud {
  readonly store: Store
  readonly placement: Placement
  readonly network: NetworkService
  readonly images: ImageService
  readonly drivers: ReadonlyMap<string, FakeDriver>
  readonly conductor: ConductorDeps
  readonly api: ApiDeps
  readonly networkId: string
  /** A share of the caller's; its id. */
  makeShare(): Promise<string>
  /** Files of disks that no guest has, neither one that is there nor one set aside. */
  strayDisks(): Promise<readonly string[]>
  close(): Promise<void>
}

async function strayDisks(drivers: Iterable<FakeDriver>, folder: string): Promise<readonly string[]> {
  const owners: string[] = []
  for (const driver of drivers) {
    for (const { id } of await driver.list()) if (driver.recordOf(id)?.disk !== undefined) owners.push(id)
    owners.push(...((await driver.coldMigration.setAside()) as readonly string[]))
  }
  const files = existsSync(folder) ? readdirSync(folder) : []
  const stray = files.filter(file => {
    const at = owners.indexOf(file.slice(0, 36))
    if (at >= 0) owners.splice(at, 1)
    return at < 0
  })
  return stray.map(file => `disk ${file} of nobody`)
}

/** CPUs, memory nodes and devices of every host, and which of them guests may have. */
export interface WorldHardware {
  readonly machine: FakeHardware
  readonly options: HardwareOptions
  /** What the network says that each host carries. */
  readonly capacity?: readonly AgentCapacity[]
}

async function addHost(
  deps: ConductorDeps,
  host: string,
  folder: string,
  hardware: WorldHardware | undefined,
): Promise<FakeDriver> {
  const disks = { images: imageSource(() => deps.images), path: join(folder, 'disks') }
  const driver = createFakeDriver({
    hostName: host,
    vcpus: 8,
    memoryMiB: 16_384,
    diskGiB: 100,
    disks,
    hardware: hardware?.machine ?? {},
  })
  const options = { maxConcurrentBuilds: 0, softRebootMs: 1000, sharesAddress: '127.0.0.1', images: () => deps.images }
  deps.bus.serve(computeContract, host, computeHandlers(driver, options))
  await deps.store.services.register({ host, binary: 'nova-compute', topic: 'compute', version: 1 }, deps.clock.now())
  await carryIn(deps, {
    host,
    nodeId: newUuid(),
    ...described(await driver.host.describe(), hardware?.options),
    reserved: { vcpus: 0, memoryMiB: 512, diskGiB: 0 },
    ratios: { cpu: 4, ram: 1, disk: 1 },
  })
  return driver
}

const settings: ApiDeps['settings'] = {
  defaultZone: 'nova',
  internalZone: 'internal',
  defaultScheduleZone: null,
  serviceDownTimeMs: patienceMs,
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
}

const nothing = async () => null

/** Bits of the image that servers are made of. */
export const imageBits = Buffer.from('the bits of the image '.repeat(100))

async function publishImage({ register }: ImageService, folder: string): Promise<void> {
  const file = join(folder, 'image.raw')
  writeFileSync(file, imageBits)
  await register.reserve({ id: imageId, name: 'image', diskFormat: 'raw' })
  await register.publish(imageId, file)
}

function capacityOf(placement: PlacementPort, hardware: WorldHardware | undefined) {
  const capacity = networkCapacity(placement, hardware?.capacity ?? [])
  return capacity === undefined ? {} : { networkCapacity: capacity }
}

export async function smallCloud(
  hosts: readonly string[] = ['one', 'two'],
  options: Partial<ConductorDeps['options']> = {},
  hardware?: WorldHardware,
): Promise<SmallCloud> {
  const common = { identity, log: silentLog, clock: systemClock }
  const store = await openStore(await freshDatabase())
  const placement = await createPlacement({ databaseUrl: await freshDatabase(), ...common })
  const network = await createNetworkService({ databaseUrl: await freshDatabase(), ...common })
  const folder = mkdtempSync(join(tmpdir(), 'nova-sweep-'))
  const images = await createImageService({
    databaseUrl: await freshDatabase(),
    imagesPath: join(folder, 'images'),
    ...common,
  })
  await publishImage(images, folder)
  const volumes = await createVolumeService({
    ...common,
    databaseUrl: await freshDatabase(),
    volumesPath: join(folder, 'volumes'),
    images: images.port,
  })
  const shares = await createShareService({
    ...common,
    databaseUrl: await freshDatabase(),
    sharesPath: join(folder, 'shares'),
  })
  const keys = fileKeys(join(folder, 'keys'))
  const bus = new InProcessBus()
  const conductor: ConductorDeps = {
    store,
    bus,
    placement: placement.port,
    network: network.port,
    images: images.port,
    volumes: volumes.port,
    shares: shares.port,
    plugger: network.plugger,
    ...capacityOf(placement.port, hardware),
    keys,
    configDrive: composeConfigDrive({ config: loadConfig({ env: {} }), store, log: silentLog }),
    clock: systemClock,
    log: silentLog,
    options: {
      serviceDownTimeMs: patienceMs,
      defaultZone: 'nova',
      reportMs: 10_000,
      shelvedOffloadMs: 0,
      patienceMs: 0,
      shutdownTimeoutMs: 1000,
      volumePatienceMs: patienceMs,
      volumePollMs: 5,
      mixesZones: true,
      sharePolicyMs: 1000,
      ...options,
      resizeConfirmMs: 0,
      migrateMaxRetries: -1,
      maxLiveMigrations: 1,
    },
  }
  const drivers = new Map<string, FakeDriver>()
  for (const host of hosts) drivers.set(host, await addHost(conductor, host, folder, hardware))
  const scheduler = createScheduler({
    placement: placement.port,
    hosts: storeHosts(store, systemClock, { serviceDownTimeMs: patienceMs }),
    claims: storeClaims(store),
    options: schedulerDefaults,
    log: silentLog,
    clock: systemClock,
    random: Math.random,
  })
  bus.serve(schedulerContract, 'scheduler', {
    selectDestinations: ({ spec, instanceIds }) => scheduler.selectDestinations(spec, instanceIds.map(instanceId)),
  })
  const made = await network.ensureDefaultNetwork({ projectId, name: 'private', cidr: '10.7.0.0/24' })
  const api: ApiDeps = {
    store,
    identity,
    images: images.port,
    network: network.port,
    placement: placement.port,
    volumes: volumes.port,
    shares: shares.port,
    keys,
    quotas: databaseQuotas({ instances: -1, cores: -1, ram: -1 }),
    baremetal: ironicPort(identity, systemClock),
    // The sweep wakes the engine itself.
    conductor: { wake: nothing, interrupt: nothing } as never,
    computeOn: host => bus.client(computeContract, host),
    clock: systemClock,
    log: silentLog,
    settings,
    notices: noNotices,
  }
  return {
    store,
    placement,
    network,
    images,
    drivers,
    conductor,
    api,
    networkId: made.id,
    strayDisks: () => strayDisks(drivers.values(), join(folder, 'disks')),
    makeShare: async () => {
      const answer = await shares.face.inject({
        method: 'POST',
        url: '/v2/shares',
        headers: { 'x-auth-token': caller.token, 'content-type': 'application/json' },
        payload: JSON.stringify({ share: { share_proto: 'NFS', size: 1 } }),
      })
      return answer.json<{ share: { id: string } }>().share.id
    },
    close: async () => {
      for (const driver of drivers.values()) await driver.close()
      await shares.close()
      await volumes.close()
      await images.close()
      rmSync(folder, { recursive: true, force: true })
      await network.close()
      await placement.close()
      await store.close()
    },
  }
}
