import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { type Clock, Closers, type Log, systemClock } from '#base'
import { type Bus, InProcessBus } from '#bus'
import type { Config } from '#config'
import { createIdentityService, type IdentityService } from '#embedded/identity'
import { createImageService, type ImageService } from '#embedded/image'
import { createShareService } from '#embedded/share'
import { createVolumeService } from '#embedded/volume'
import { type Face, listen } from '#http'
import {
  createNetworkService,
  createPlumber,
  type HostPlace,
  type NetworkService,
  type OnConnection,
  type Place,
} from '#network'
import { createPlacement } from '#placement'
import { openStore } from '#store'
import type { VirtDriver } from '#virt'
import { busFromConfig } from './compose/bus.ts'
import { composeCompute, nodePath } from './compose/compute.ts'
import { composeComputeApi } from './compose/compute-api.ts'
import { composeConductor, composeScheduler, followServers } from './compose/control.ts'
import { databaseUrl } from './compose/database.ts'
import { libvirtDriver, simulatedDriver } from './compose/driver.ts'
import { composeMetadata } from './compose/metadata.ts'
import { keysFromConfig } from './compose/neighbours-from-config.ts'
import { networkCapacityOf } from './compose/network-capacity.ts'
import type { Neighbours, WithStore } from './compose/shared.ts'
import { loopback, type Ports } from './ports.ts'
import type { Secrets } from './state-folder.ts'

export interface CloudOptions {
  readonly stateDir: string
  readonly ports: Ports
  readonly hypervisor: 'libvirt' | 'fake'
  readonly hosts: number
  /** Hosts of nova-computes of their own, in network namespaces of this machine. */
  readonly others: readonly HostPlace[]
  readonly secrets: Secrets
  readonly config: Config
  readonly log: Log
  /** Told before each thing that may take longer than a moment. */
  readonly step: <T>(what: string, work: () => Promise<T>) => Promise<T>
}

export interface Cloud {
  readonly identity: IdentityService
  readonly images: ImageService
  readonly network: NetworkService
  /** Stops the control plane; guests, bridges and DHCP stay. */
  close(): Promise<void>
}

const catalogue = (ports: Ports) => {
  const everywhere = (url: string) => ({ public: url, internal: url, admin: url })
  const at = (port: number) => `http://${loopback}:${port}`
  return [
    { type: 'identity', name: 'keystone', endpoints: everywhere(`${at(ports.identity)}/v3`) },
    { type: 'compute', name: 'nova', endpoints: everywhere(`${at(ports.compute)}/v2.1`) },
    { type: 'placement', name: 'placement', endpoints: everywhere(at(ports.placement)) },
    { type: 'image', name: 'glance', endpoints: everywhere(at(ports.image)) },
    { type: 'network', name: 'neutron', endpoints: everywhere(at(ports.network)) },
    { type: 'volumev3', name: 'cinderv3', endpoints: everywhere(`${at(ports.volume)}/v3/$(project_id)s`) },
    { type: 'sharev2', name: 'manilav2', endpoints: everywhere(`${at(ports.share)}/v2`) },
    { type: 'shared-file-system', name: 'manila', endpoints: everywhere(`${at(ports.share)}/v2`) },
    { type: 'block-storage', name: 'cinder', endpoints: everywhere(`${at(ports.volume)}/v3/$(project_id)s`) },
  ]
}

/** The built-in identity, image, volume, network and placement services. */
async function openNeighbours(options: CloudOptions, clock: Clock, closers: Closers) {
  const { stateDir, ports, secrets, log, config, hypervisor, others } = options
  const identity = await createIdentityService({
    databaseUrl: databaseUrl(stateDir, 'identity'),
    log: log.child({ service: 'identity' }),
    clock,
    adminPassword: secrets.adminPassword,
    servicePassword: secrets.servicePassword,
    region: 'RegionOne',
  })
  closers.add(() => identity.close())
  await identity.setCatalog(catalogue(ports))
  const images = await createImageService({
    databaseUrl: databaseUrl(stateDir, 'image'),
    imagesPath: join(stateDir, 'images'),
    identity: identity.port,
    log: log.child({ service: 'image' }),
    clock,
  })
  closers.add(() => images.close())
  const volumes = await createVolumeService({
    databaseUrl: databaseUrl(stateDir, 'volume'),
    volumesPath: join(stateDir, 'volumes'),
    identity: identity.port,
    images: images.port,
    log: log.child({ service: 'volume' }),
    clock,
  })
  closers.add(() => volumes.close())
  const shares = await createShareService({
    databaseUrl: databaseUrl(stateDir, 'share'),
    sharesPath: join(stateDir, 'shares'),
    identity: identity.port,
    log: log.child({ service: 'share' }),
    clock,
  })
  closers.add(() => shares.close())
  const networkLog = log.child({ service: 'network' })
  const plumbed = hypervisor === 'libvirt'
  const arrivals = new EventEmitter<{ guest: [Socket, Place] }>()
  const onMetadata: OnConnection = (socket, place) => {
    // Nobody answers yet: the guest asks again.
    if (!arrivals.emit('guest', socket, place)) socket.destroy()
  }
  const network = await createNetworkService({
    databaseUrl: databaseUrl(stateDir, 'network'),
    identity: identity.port,
    log: networkLog,
    clock,
    ...(plumbed
      ? {
          host: config.DEFAULT.host,
          plumber: createPlumber({ log: networkLog, clock, onMetadata, others }),
        }
      : {}),
  })
  closers.add(() => network.close())
  const placement = await createPlacement({
    databaseUrl: databaseUrl(stateDir, 'placement'),
    identity: identity.port,
    log: log.child({ service: 'placement' }),
    clock,
  })
  closers.add(() => placement.close())
  return { identity, images, volumes, shares, network, arrivals, placement }
}

/** One driver per simulated host, or the real one. */
async function openDrivers(
  options: CloudOptions,
  neighbours: Neighbours,
  clock: Clock,
): Promise<readonly { host: string; driver: VirtDriver }[]> {
  const { stateDir, hypervisor, hosts, config, log } = options
  const name = config.DEFAULT.host
  if (hosts === 0) return []
  if (hypervisor === 'fake') {
    const names = Array.from({ length: hosts }, (_, i) => (hosts === 1 ? name : `${name}-${i + 1}`))
    return names.map(host => ({
      host,
      driver: simulatedDriver(config, host, stateDir, () => neighbours.images, clock),
    }))
  }
  const { startLibvirt } = await import('#virt/libvirt')
  const daemon = await options.step('starting libvirt', () =>
    startLibvirt({ stateDir: join(stateDir, 'libvirt'), log: log.child({ service: 'libvirt' }) }),
  )
  const place = {
    socketPath: daemon.socketPath,
    instancesPath: join(stateDir, 'instances'),
    virtType: 'auto',
    isPrivate: daemon.isOurs,
    limitsCpu: daemon.limitsCpu,
  } as const
  const parts = { config, images: () => neighbours.images, keys: () => neighbours.keys, log, clock }
  return [{ host: name, driver: await options.step('connecting to the hypervisor', () => libvirtDriver(parts, place)) }]
}

/** Within this process, unless nova.conf names sockets or brokers, by which nova-computes of their own join. */
function openOwnBus({ config, log }: CloudOptions, closers: Closers): Bus & { ready?(): Promise<void> } {
  // The default names a broker that a one-machine cloud has not got.
  if (config.DEFAULT.transport_url === 'rabbit://') return new InProcessBus()
  const bus = busFromConfig({ config, log })
  closers.add(() => bus.close())
  return bus
}

/** Every service in this process, listening. */
export async function openCloud(options: CloudOptions): Promise<Cloud> {
  const { stateDir, ports, config, log } = options
  const clock = systemClock
  const closers = new Closers()
  try {
    const built = await openNeighbours(options, clock, closers)
    const { identity, images, volumes, shares, network, placement } = built
    const capacity = networkCapacityOf(config, placement.port)
    const neighbours: Neighbours = {
      identity: identity.port,
      images: images.port,
      network: network.port,
      placement: placement.port,
      volumes: volumes.port,
      shares: shares.port,
      plugger: network.plugger,
      ...(capacity === undefined ? {} : { networkCapacity: capacity }),
      keys: keysFromConfig(config, stateDir, clock, closers),
    }
    const store = await openStore(databaseUrl(stateDir, 'nova'))
    closers.add(() => store.close())
    const bus = openOwnBus(options, closers)
    const shared: WithStore = { config, clock, log, bus, store }
    const stopScheduler = await composeScheduler(shared, neighbours)
    closers.add(stopScheduler)
    const conductor = await composeConductor(shared, neighbours, { isAlone: true, waitsForHosts: true })
    closers.add(() => conductor.stop())
    network.onServersChanged(followServers(shared.bus))
    const api = composeComputeApi(shared, neighbours, `http://${loopback}:${ports.identity}/v3`)
    const open = async (service: string, face: Face, port: number) => {
      closers.add(() => face.close())
      await listen(face, { service, host: loopback, port })
    }
    await open('the identity service', identity.face, ports.identity)
    await open('the image service', images.face, ports.image)
    await open('the network service', network.face, ports.network)
    await open('the volume service', volumes.face, ports.volume)
    await open('the share service', shares.face, ports.share)
    await open('placement', placement.face, ports.placement)
    await open('nova-api', api, ports.compute)
    const metadata = composeMetadata(shared, (door, address) => network.metadataSource.lookup(door, address))
    await open('nova-api-metadata', metadata.face, ports.metadata)
    built.arrivals.on('guest', metadata.accept)
    for (const { host, driver } of await openDrivers(options, neighbours, clock)) {
      closers.add(() => driver.close())
      const agent = await composeCompute(shared, driver, {
        host,
        statePath: nodePath(stateDir, host),
        images: () => neighbours.images,
        hasEveryConsole: options.hypervisor === 'fake',
      })
      closers.add(() => agent.stop())
    }
    conductor.resume()
    await bus.ready?.()
    return { identity, images, network, close: () => closers.close() }
  } catch (error) {
    await closers.close().catch(failure => log.error({ err: failure }, 'closing after a failed start'))
    throw error
  }
}
