import { hostname } from 'node:os'
import { every, instanceId } from '#base'
import { type Bus, conductorContract, schedulerContract } from '#bus'
import {
  type Conductor,
  type ConductorCells,
  type ConductorDeps,
  type ConductorStart,
  registerService,
  serviceVersion,
  startConductor,
} from '#conductor'
import type { Config } from '#config'
import { watched } from '#notify'
import {
  type AskCells,
  cellClaims,
  cellHosts,
  createScheduler,
  DecisionJournal,
  type HostsOfCell,
  type SchedulerDeps,
  type SchedulerOptions,
  schedulerOptions,
  storeClaims,
  storeHosts,
} from '#scheduler'
import type { Cell, Store } from '#store'
import type { Cells } from './cells.ts'
import { conductorOptions } from './conductor-options.ts'
import { composeConfigDrive } from './config-drive.ts'
import { discoverHostsAtTimes } from './discover-hosts.ts'
import { inEachCell } from './in-each-cell.ts'
import { courierFromConfig, noticesFromConfig } from './notices.ts'
import { type Neighbours, secondsOf, type WithStore } from './shared.ts'

/** How a conductor begins, and for which of several cells. */
export interface ConductorPlace extends ConductorStart {
  readonly cells?: Omit<ConductorCells, 'depsIn'> & { readonly busOf: (cell: Cell) => Bus }
}

/** nova-conductor from its configuration, and what sends the notifications of all services. */
export async function composeConductor(
  shared: WithStore,
  neighbours: Neighbours,
  { cells, ...start }: ConductorPlace,
): Promise<Conductor> {
  const { config, store, bus, clock } = shared
  const { placement, network, images, volumes, shares, keys, plugger, networkCapacity } = neighbours
  const own = networkCapacity === undefined ? {} : { networkCapacity }
  const log = shared.log.child({ service: 'nova-conductor', ...(cells === undefined ? {} : { cell: cells.own.uuid }) })
  const configDrive = composeConfigDrive({ config, store, log })
  const options = conductorOptions(config)
  const courier = courierFromConfig({ ...shared, log })
  const notices = noticesFromConfig({ ...shared, log }, () => courier?.poke())
  const base: ConductorDeps = {
    store: watched(store, notices),
    notices,
    bus,
    placement,
    network,
    images,
    volumes,
    shares,
    keys,
    plugger,
    ...own,
    configDrive,
    clock,
    log,
    options,
  }
  const depsIn = async (cell: Cell): Promise<ConductorDeps> => {
    const inCell = await cell.store()
    if (cells === undefined) return base
    return {
      ...base,
      store: watched(inCell, notices),
      bus: cells.busOf(cell),
      configDrive: composeConfigDrive({ config, store: inCell, log }),
      cells: { ...cells, depsIn, own: cell },
    }
  }
  const deps = cells === undefined ? base : { ...base, cells: { ...cells, depsIn } }
  const conductor = await startConductor(deps, start)
  courier?.start()
  const stop = async () => {
    await conductor.stop()
    await courier?.stop()
  }
  return { ...conductor, stop }
}

/** For a network in this process: the records of servers follow their ports, as Neutron's events make them do elsewhere. */
export function followServers(bus: Bus): (serverIds: readonly string[]) => Promise<void> {
  const conductor = bus.client(conductorContract)
  return async serverIds => {
    for (const instanceId of serverIds) await conductor.refreshNetwork({ instanceId })
  }
}

export const schedulerOptionsOf = (config: Config): SchedulerOptions =>
  schedulerOptions({
    scheduler: config.scheduler,
    filter_scheduler: config.filter_scheduler,
    metrics: config.metrics,
    workarounds: config.workarounds,
    default_availability_zone: config.DEFAULT.default_availability_zone,
  })

/** The network, where the scheduler shall ask it for the segments of networks. */
export const segmentsOf = (config: Config, neighbours: Pick<Neighbours, 'network'>): Pick<SchedulerDeps, 'network'> =>
  config.scheduler.query_placement_for_routed_network_aggregates ? { network: neighbours.network } : {}

/** Hosts and claims of the one cell, or of all that can be reached. */
function hostsOf({ config, store, clock }: WithStore, cells: Cells | undefined) {
  const options = { serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time) }
  const made = new WeakMap<Store, Pick<HostsOfCell, 'hosts' | 'claims'>>()
  const inStore = (one: Store) => {
    const known = made.get(one) ?? { hosts: storeHosts(one, clock, options), claims: storeClaims(one) }
    made.set(one, known)
    return known
  }
  if (cells === undefined) return inStore(store)
  const askCells: AskCells = async work => {
    const answers = await cells.directory.gather((one, { uuid: cellId, isDisabled }) =>
      work({ cellId, isDisabled, ...inStore(one) }),
    )
    return answers.flatMap(answer => (answer.ok ? [answer.value] : []))
  }
  return { hosts: cellHosts(askCells), claims: cellClaims(askCells) }
}

/** nova-scheduler from its configuration; returns what stops it. Without `cells` there is one. */
export async function composeScheduler(
  shared: WithStore,
  neighbours: Neighbours,
  cells?: Cells,
): Promise<() => Promise<void>> {
  const { config, store, bus, clock } = shared
  const log = shared.log.child({ service: 'nova-scheduler' })
  const keepMs = secondsOf(config.scheduler.decision_record_max_age)
  const journal = keepMs > 0 ? new DecisionJournal({ store, clock, log, keepMs }) : undefined
  const several = cells === undefined || (await cells.directory.isOnly()) ? undefined : cells
  const scheduler = createScheduler({
    placement: neighbours.placement,
    ...hostsOf(shared, several),
    ...segmentsOf(config, neighbours),
    options: schedulerOptionsOf(config),
    log,
    clock,
    random: Math.random,
    ...(journal === undefined ? {} : { onDecision: journal.add }),
  })
  const name = hostname()
  const binary = 'nova-scheduler'
  const self = { host: name, binary, topic: 'scheduler', version: serviceVersion }
  await registerService(store, noticesFromConfig({ ...shared, log }), self, clock.now())
  const beat = () => store.services.heartbeat(binary, [name], clock.now())
  const stopBeating = every(clock, secondsOf(config.DEFAULT.report_interval), beat, error =>
    log.error({ err: error }, 'heartbeat failed'),
  )
  const serve = (at: Bus, cell?: Cell) =>
    at.serve(schedulerContract, name, {
      selectDestinations: ({ spec, instanceIds }, { requestId }) => {
        // Conductors of a cell may not know that there are others.
        const isFree = cell === undefined || spec.preferredCellId !== undefined
        const asked = isFree ? spec : { cellId: cell.uuid, ...spec }
        return scheduler.selectDestinations(asked, instanceIds.map(instanceId), { requestId })
      },
    })
  const stopServing = serve(bus)
  const stopInCells =
    several === undefined
      ? undefined
      : await inEachCell({ clock, log, directory: several.directory }, async cell => {
          const at = several.busOf(cell)
          return at === bus ? undefined : serve(at, cell)
        })
  const stopDiscovering = cells === undefined ? undefined : discoverHostsAtTimes({ ...shared, log }, cells)
  return async () => {
    stopBeating()
    stopServing()
    stopDiscovering?.()
    await stopInCells?.()
    await journal?.close()
  }
}
