import { hostname } from 'node:os'
import { every, instanceId } from '#base'
import { type Bus, conductorContract, schedulerContract } from '#bus'
import { type Conductor, serviceVersion, startConductor } from '#conductor'
import type { Config } from '#config'
import {
  createScheduler,
  DecisionJournal,
  type SchedulerDeps,
  type SchedulerOptions,
  schedulerOptions,
  storeClaims,
  storeHosts,
} from '#scheduler'
import { composeConfigDrive } from './config-drive.ts'
import { type Neighbours, secondsOf, type WithStore } from './shared.ts'

/** As for all of Nova's periodic tasks: below 0 never, 0 every minute. */
const pollFor = (seconds: number) => (seconds < 0 ? {} : { shelvedPollMs: secondsOf(seconds === 0 ? 60 : seconds) })

/** Seconds: a service that restarts is back by then; whoever waits for another host need not wait for more than that. */
const mostPatience = 15

/** nova-conductor from its configuration. */
export const composeConductor = (
  shared: WithStore,
  neighbours: Neighbours,
  isAlone: boolean,
  waitsForHosts = false,
): Promise<Conductor> => {
  const { config, store, bus, clock } = shared
  const { placement, network, images, volumes, shares, keys, plugger, networkCapacity } = neighbours
  const own = networkCapacity === undefined ? {} : { networkCapacity }
  const log = shared.log.child({ service: 'nova-conductor' })
  const configDrive = composeConfigDrive({ config, store, log })
  const options = {
    serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time),
    defaultZone: config.DEFAULT.default_availability_zone,
    reportMs: secondsOf(config.DEFAULT.report_interval),
    patienceMs: secondsOf(Math.min(config.DEFAULT.rpc_response_timeout, mostPatience)),
    shutdownTimeoutMs: secondsOf(config.DEFAULT.shutdown_timeout),
    volumePollMs: secondsOf(config.DEFAULT.block_device_allocate_retries_interval),
    mixesZones: config.cinder.cross_az_attach,
    sharePolicyMs: secondsOf(config.manila.share_apply_policy_timeout),
    volumePatienceMs:
      secondsOf(config.DEFAULT.block_device_allocate_retries) *
      Math.max(1, config.DEFAULT.block_device_allocate_retries_interval),
    precacheHosts: config.image_cache.precache_concurrency,
    shelvedOffloadMs: secondsOf(config.DEFAULT.shelved_offload_time),
    ...pollFor(config.DEFAULT.shelved_poll_interval),
    ...(config.conductor.audit_interval <= 0 ? {} : { auditMs: secondsOf(config.conductor.audit_interval) }),
    ...(config.DEFAULT.heal_instance_info_cache_interval < 0
      ? {}
      : { networkRefreshMs: secondsOf(config.DEFAULT.heal_instance_info_cache_interval || 60) }),
    buildTimeoutMs: secondsOf(config.DEFAULT.instance_build_timeout),
    rebootTimeoutMs: secondsOf(config.DEFAULT.reboot_timeout),
    countsFailedBuilds: config.compute.consecutive_build_service_disable_threshold > 0,
    reclaimMs: secondsOf(config.DEFAULT.reclaim_instance_interval),
    rescueMs: secondsOf(config.DEFAULT.rescue_timeout),
    resizeConfirmMs: secondsOf(config.DEFAULT.resize_confirm_window),
    migrateMaxRetries: config.DEFAULT.migrate_max_retries,
    maxLiveMigrations: config.DEFAULT.max_concurrent_live_migrations,
    ...(config.DEFAULT.instance_usage_audit ? { usageAuditPeriod: config.DEFAULT.instance_usage_audit_period } : {}),
  }
  return startConductor(
    {
      store,
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
  await store.services.register({ host: name, binary, topic: 'scheduler', version: serviceVersion }, clock.now())
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
