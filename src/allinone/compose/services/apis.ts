import { declareFault } from '#base'
import { type Face, listen } from '#http'
import { composeComputeApi } from '../compute-api.ts'
import { composeMetadata } from '../metadata.ts'
import { authUri } from '../neighbours-from-config.ts'
import type { OpenService, ServiceProcess } from '../run-service.ts'
import type { WithStore } from '../shared.ts'
import { cellsFor, neighboursFor, withStore } from './parts.ts'

export const NoApiStarted = declareFault(
  'NoApiStarted',
  'final',
  () => 'No APIs were started. Check the enabled_apis config option.',
)

async function open({ log, closers }: ServiceProcess, service: string, face: Face, at: { host: string; port: number }) {
  closers.add(() => face.close())
  const port = await listen(face, { service, ...at })
  log.info({ service, host: at.host, port }, 'listening')
}

async function openOsCompute(service: ServiceProcess, shared: WithStore): Promise<void> {
  const { osapi_compute_listen: host, osapi_compute_listen_port: port } = service.config.DEFAULT
  const cells = cellsFor(service, shared)
  // New servers are written down in cell0, wherever this process's own database is.
  const home = await cells.directory.home()
  const atHome = { ...shared, store: await home.store() }
  const face = composeComputeApi(atHome, neighboursFor(service), authUri(service.config), cells)
  await open(service, 'nova-api-os-compute', face, { host, port })
}

async function openMetadataApi(service: ServiceProcess, shared: WithStore): Promise<void> {
  const { metadata_listen: host, metadata_listen_port: port } = service.config.DEFAULT
  if (!service.config.neutron.service_metadata_proxy) {
    service.log.warn(
      '[neutron] service_metadata_proxy is off: only the built-in network can tell guests by their address',
    )
  }
  // In a cell, it answers for the servers of that cell.
  const cells = service.config.api.local_metadata_per_cell ? undefined : cellsFor(service, shared)
  await open(service, 'nova-api-metadata', composeMetadata(shared, async () => undefined, cells).face, { host, port })
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
