import { declareFault } from '#base'
import { conductorContract, type RemoteBus } from '#bus'
import { type Face, listen } from '#http'
import { busFromConfig } from './bus.ts'
import { composeCompute } from './compute.ts'
import { composeComputeApi } from './compute-api.ts'
import { composeConductor, composeScheduler } from './control.ts'
import { isSqlite, openDatabase } from './database.ts'
import { openDriver } from './driver.ts'
import { composeMetadata } from './metadata.ts'
import { authUri, neighboursFromConfig } from './neighbours-from-config.ts'
import type { OpenService, ServiceProcess } from './run-service.ts'
import type { Neighbours, WithStore } from './shared.ts'

/** The single executables: each opens its part of what the one-machine cloud runs together. */

export const NoApiStarted = declareFault(
  'NoApiStarted',
  'final',
  () => 'No APIs were started. Check the enabled_apis config option.',
)

function busFor({ config, log, clock, closers }: ServiceProcess): RemoteBus {
  const bus = busFromConfig({ config, log, clock })
  closers.add(() => bus.close())
  return bus
}

function neighboursFor({ config, log, clock, closers }: ServiceProcess): Neighbours {
  const neighbours = neighboursFromConfig({ config, log, clock })
  closers.add(() => neighbours.close())
  return neighbours
}

async function withStore(service: ServiceProcess): Promise<WithStore & { bus: RemoteBus }> {
  const { config, log, clock, closers } = service
  const bus = busFor(service)
  const store = await openDatabase(config, log)
  closers.add(() => store.close())
  return { config, log, clock, bus, store }
}

export const openConductor: OpenService = async service => {
  const shared = await withStore(service)
  // An SQLite file is one machine's: nobody on the bus means that whoever held sagas is dead.
  const isAlone = isSqlite(service.config) && !(await shared.bus.isServed(conductorContract))
  const conductor = await composeConductor(shared, neighboursFor(service), isAlone)
  service.closers.add(() => conductor.stop())
  await shared.bus.ready()
}

export const openScheduler: OpenService = async service => {
  const shared = await withStore(service)
  service.closers.add(await composeScheduler(shared, neighboursFor(service)))
  await shared.bus.ready()
}

/** Has no database: what it needs to know it asks the conductor. */
export const openCompute: OpenService = async service => {
  const { config, log, clock, closers } = service
  const bus = busFor(service)
  const neighbours = neighboursFor(service)
  const driver = await openDriver({ config, images: () => neighbours.images, keys: () => neighbours.keys, log, clock })
  closers.add(() => driver.close())
  const { host, state_path: statePath } = config.DEFAULT
  const agent = await composeCompute({ config, log, clock, bus }, driver, {
    host,
    statePath,
    images: () => neighbours.images,
  })
  closers.add(() => agent.stop())
  await bus.ready()
}

async function open({ log, closers }: ServiceProcess, service: string, face: Face, at: { host: string; port: number }) {
  closers.add(() => face.close())
  const port = await listen(face, { service, ...at })
  log.info({ service, host: at.host, port }, 'listening')
}

async function openOsCompute(service: ServiceProcess, shared: WithStore): Promise<void> {
  const { osapi_compute_listen: host, osapi_compute_listen_port: port } = service.config.DEFAULT
  const face = composeComputeApi(shared, neighboursFor(service), authUri(service.config))
  await open(service, 'nova-api-os-compute', face, { host, port })
}

async function openMetadataApi(service: ServiceProcess, shared: WithStore): Promise<void> {
  const { metadata_listen: host, metadata_listen_port: port } = service.config.DEFAULT
  if (!service.config.neutron.service_metadata_proxy) {
    service.log.warn(
      '[neutron] service_metadata_proxy is off: only the built-in network can tell guests by their address',
    )
  }
  await open(
    service,
    'nova-api-metadata',
    composeMetadata(shared, async () => undefined),
    { host, port },
  )
}

export const openComputeApi: OpenService = async service => openOsCompute(service, await withStore(service))

export const openMetadata: OpenService = async service => openMetadataApi(service, await withStore(service))

/** Every API that enabled_apis names, in one process. */
export const openApi: OpenService = async service => {
  const apis = new Map([
    ['osapi_compute', openOsCompute],
    ['metadata', openMetadataApi],
  ])
  const names = service.config.DEFAULT.enabled_apis
  for (const name of names.filter(n => !apis.has(n)))
    service.log.warn({ api: name }, 'unknown name in enabled_apis ignored')
  const wanted = [...apis].filter(([name]) => names.includes(name))
  if (wanted.length === 0) throw NoApiStarted({})
  const shared = await withStore(service)
  for (const [, openOne] of wanted) await openOne(service, shared)
}
