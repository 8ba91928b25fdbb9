import { declareFault, every } from '#base'
import {
  type CellsOptions,
  type CellsParts,
  cellFilters,
  cellWeighers,
  checkVersionPin,
  enabled,
  fileNeighbours,
  readCapabilities,
  startCells,
} from '#cells'
import { registerService, serviceVersion } from '#conductor'
import type { Config } from '#config'
import { busAt } from '../bus.ts'
import type { Cells } from '../cells.ts'
import { composeComputeApi } from '../compute-api.ts'
import { authUri } from '../neighbours-from-config.ts'
import { noticesFromConfig } from '../notices.ts'
import { openPolicy } from '../policy.ts'
import type { OpenService, ServiceProcess } from '../run-service.ts'
import { secondsOf, type WithStore } from '../shared.ts'
import { cellsFor, neighboursFor, withStore } from './parts.ts'

export const CellsDisabled = declareFault(
  'CellsDisabled',
  'refused',
  () => 'nova-cells needs [cells] enable = true: this cloud is no cell.',
)

export function cellsOptions(config: Config): CellsOptions {
  const { cells, DEFAULT, api } = config
  const weighers = cellWeighers({
    ramMultiplier: cells.ram_weight_multiplier,
    offsetMultiplier: cells.offset_weight_multiplier,
    muteMultiplier: cells.mute_weight_multiplier,
  })
  return {
    name: cells.name,
    type: cells.cell_type,
    capabilities: readCapabilities(cells.capabilities),
    callTimeoutMs: secondsOf(cells.call_timeout),
    reservePercent: cells.reserve_percent,
    muteAfterMs: secondsOf(cells.mute_child_interval),
    maxHopCount: cells.max_hop_count,
    queueBase: cells.rpc_driver_queue_base,
    refreshMs: secondsOf(cells.db_check_interval),
    filters: enabled('scheduler_filter_classes', cells.scheduler_filter_classes, cellFilters),
    weighers: enabled('scheduler_weight_classes', cells.scheduler_weight_classes, weighers),
    retries: cells.scheduler_retries,
    retryDelayMs: secondsOf(cells.scheduler_retry_delay),
    serviceDownTimeMs: secondsOf(DEFAULT.service_down_time),
    showsAdminPassword: api.enable_instance_password,
    maxLimit: api.max_limit,
    host: DEFAULT.host,
  }
}

/** The services row of this process, and the sign of life in it. */
async function appear({ config, log, clock, closers }: ServiceProcess, shared: WithStore, host: string) {
  const { store } = shared
  const binary = 'nova-cells'
  const self = { host, binary, topic: 'cells', version: serviceVersion }
  await registerService(store, noticesFromConfig({ ...shared, log }), self, clock.now())
  const beat = () => store.services.heartbeat(binary, [host], clock.now())
  closers.add(
    every(clock, secondsOf(config.DEFAULT.report_interval), beat, error =>
      log.error({ err: error }, 'heartbeat failed'),
    ),
  )
}

/** The databases of this cloud, which may have several itself. */
const databasesOf = ({ directory }: Cells): CellsParts['stores'] => {
  return async mustBeAll => {
    const answers = await directory.gather(async store => store)
    return answers.flatMap(answer => {
      if (answer.ok) return [answer.value]
      if (mustBeAll) throw answer.error
      return []
    })
  }
}

/** The Compute API as nova-api-os-compute has it, for `seams`. */
function apiFor(service: ServiceProcess, atHome: WithStore, inner: Cells): CellsParts['composeApi'] {
  const neighbours = neighboursFor(service)
  return seams =>
    composeComputeApi(
      { ...atHome, store: seams.store(atHome.store) },
      { ...neighbours, identity: seams.identity(neighbours.identity) },
      authUri(service.config),
      inner,
    )
}

export const openNovaCells: OpenService = async service => {
  const { config, log, clock, closers } = service
  if (!config.cells.enable) throw CellsDisabled({})
  checkVersionPin('intercell', config.upgrade_levels.intercell)
  checkVersionPin('cells', config.upgrade_levels.cells)
  const options = cellsOptions(config)
  const shared = await withStore(service)
  const inner = cellsFor(service, shared)
  const home = await (await inner.directory.home()).store()
  const policy = openPolicy(config, log, clock)
  const file = config.cells.cells_config
  const started = await startCells({
    options,
    store: shared.store,
    stores: databasesOf(inner),
    home,
    bus: shared.bus,
    openBus: url => busAt(url, { config, log }),
    neighbours: file === null ? shared.store.novaCells.neighbours : fileNeighbours(file),
    composeApi: apiFor(service, { ...shared, store: home }, inner),
    may: ({ caller }, filter) => policy.allow(`cells_scheduler_filter:${filter}`, caller).ok,
    clock,
    log,
  })
  closers.add(() => started.stop())
  await appear(service, shared, options.host)
  await shared.bus.ready()
}
