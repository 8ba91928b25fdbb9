import { hostname } from 'node:os'
import { every, instanceId } from '#base'
import { type Bus, conductorContract, schedulerContract } from '#bus'
import { type Conductor, registerService, serviceVersion, startConductor } from '#conductor'
import type { Config } from '#config'
import { watched } from '#notify'
import {
  createScheduler,
  DecisionJournal,
  type SchedulerDeps,
  type SchedulerOptions,
  schedulerOptions,
  storeClaims,
  storeHosts,
} from '#scheduler'
import { conductorOptions } from './conductor-options.ts'
import { composeConfigDrive } from './config-drive.ts'
import { courierFromConfig, noticesFromConfig } from './notices.ts'
import { type Neighbours, secondsOf, type WithStore } from './shared.ts'

/** nova-conductor from its configuration, and what sends the notifications of all services. */
export async function composeConductor(
  shared: WithStore,
  neighbours: Neighbours,
  isAlone: boolean,
  waitsForHosts = false,
): Promise<Conductor> {
  const { config, store, bus, clock } = shared
  const { placement, network, images, volumes, shares, keys, plugger, networkCapacity } = neighbours
  const own = networkCapacity === undefined ? {} : { networkCapacity }
  const log = shared.log.child({ service: 'nova-conductor' })
  const configDrive = composeConfigDrive({ config, store, log })
  const options = conductorOptions(config)
  const courier = courierFromConfig({ ...shared, log })
  const notices = noticesFromConfig({ ...shared, log }, () => courier?.poke())
  const conductor = await startConductor(
    {
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
    },
    { isAlone, waitsForHosts },
  )
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

/** nova-scheduler from its configuration; returns what stops it. */
export async function composeScheduler(shared: WithStore, neighbours: Neighbours): Promise<() => Promise<void>> {
  const { config, store, bus, clock } = shared
  const log = shared.log.child({ service: 'nova-scheduler' })
  const keepMs = secondsOf(config.scheduler.decision_record_max_age)
  const journal = keepMs > 0 ? new DecisionJournal({ store, clock, log, keepMs }) : undefined
  const scheduler = createScheduler({
    placement: neighbours.placement,
    hosts: storeHosts(store, clock, { serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time) }),
    claims: storeClaims(store),
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
  const stopServing = bus.serve(schedulerContract, name, {
    selectDestinations: ({ spec, instanceIds }, { requestId }) =>
      scheduler.selectDestinations(spec, instanceIds.map(instanceId), { requestId }),
  })
  return async () => {
    stopBeating()
    stopServing()
    await journal?.close()
  }
}
