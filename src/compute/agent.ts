import { type Clock, declareFault, every, faultRecord, GiB, type Log, retry } from '#base'
import { type Bus, computeContract, conductorContract, type HostReport } from '#bus'
import { HypervisorUnavailable, type VirtDriver } from '#virt'
import { recording } from './guest-records.ts'
import { type DeletedGuests, GuestSweeps } from './guest-sweeps.ts'
import { computeHandlers, type HandlerOptions } from './handlers.ts'
import { described, type HardwareOptions } from './hardware.ts'
import { Guard } from './lease/guard.ts'
import { GuestLease } from './lease/guest-lease.ts'
import { onlyWithLease } from './lease/only-with-lease.ts'
import { ComputeMonitors } from './monitors.ts'
import { configFor, type ProviderConfig, withProviderConfig } from './provider-config.ts'

/** `[instance_ha] self_fence`. */
export interface SelfFence {
  readonly leaseMs: number
  /** Where the lease is kept. */
  readonly file: string
  /** Path of `nova-compute-guard`. */
  readonly guardProgram: string
}

export interface AgentOptions extends HandlerOptions {
  /** `[DEFAULT] host`: the name under which this host is known. */
  readonly host: string
  readonly nodeId: string
  readonly serviceVersion: number
  /** `my_ip`. */
  readonly ip?: string
  /** `report_interval`. */
  readonly reportMs: number
  /** Absent: guests run on, whoever hears of this host. */
  readonly selfFence?: SelfFence
  /** How often resources are reported, and what does not belong here is removed; none: never. */
  readonly resourcesMs?: number
  /** How often cached images are looked through; `[image_cache] manager_interval`, none: never. */
  readonly imageCacheMs?: number
  /** How often guests' power states are compared with the records; none: at the start only. */
  readonly powerMs?: number
  /** Guests that ran before this host went down are started with it; `resume_guests_state_on_host_boot`. */
  readonly resumesGuests: boolean
  readonly deletedGuests: DeletedGuests
  readonly reserved: HostReport['reserved']
  readonly ratios: HostReport['ratios']
  /** What the operator adds to resource providers. */
  readonly providers?: readonly ProviderConfig[]
  /** False: what guests do by themselves is seen by the comparison only; `[workarounds] handle_virt_lifecycle_events`. */
  readonly followsGuests?: boolean
  /** `[workarounds] reserve_disk_resource_for_image_cache`: cached images count as reserved disk. */
  readonly reservesImageCache?: boolean
  /** `compute_monitors`: what is measured for the scheduler. */
  readonly monitors?: readonly string[]
  /** What guests may have of the host by name; nothing without it. */
  readonly hardware?: HardwareOptions
}

export interface Agent {
  stop(): Promise<void>
}

interface Parts {
  readonly driver: VirtDriver
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Log
  readonly options: AgentOptions
}

interface Reporting extends Parts {
  readonly monitors: ComputeMonitors
  readonly lease: GuestLease | undefined
}

const binary = 'nova-compute'

async function reservedOf({ imageCache }: VirtDriver, { reserved, reservesImageCache }: AgentOptions) {
  if (reservesImageCache !== true || imageCache === undefined) return reserved
  return { ...reserved, diskGiB: reserved.diskGiB + Math.ceil((await imageCache.usedBytes()) / GiB) }
}

/** The host as its hypervisor has it; that it does not answer is told, for whoever has to mend it. */
async function describe({ driver, bus, log, options: { host, ip = '' } }: Parts) {
  try {
    return await driver.host.describe()
  } catch (error) {
    if (HypervisorUnavailable.is(error))
      await bus
        .client(conductorContract)
        .hypervisorLost({ host, ip, fault: faultRecord(error) })
        .catch(failure => log.warn({ err: failure }, 'nobody could be told that the hypervisor does not answer'))
    throw error
  }
}

/** Tells the conductor what this host is; called at start and then every minute. */
async function report(parts: Reporting): Promise<void> {
  const { driver, bus, clock, options, monitors } = parts
  const { host, nodeId, ratios } = options
  const found = await describe(parts)
  const added = configFor(options.providers ?? [], { nodeId, name: found.hypervisorHostname })
  const facts = described(withProviderConfig(found, added), options.hardware)
  await bus.client(conductorContract).reportHost({
    host,
    nodeId,
    ...facts,
    reserved: await reservedOf(driver, options),
    ratios,
    metrics: await monitors.metrics(driver.host, driver.hypervisorType, clock),
  })
}

async function follow(parts: Parts, signal: AbortSignal): Promise<void> {
  if (parts.options.followsGuests === false) return
  const conductor = parts.bus.client(conductorContract)
  for await (const event of parts.driver.events(signal)) {
    try {
      const { power: now } = await parts.driver.guest(event.id).state()
      await conductor.guestEvent({ host: parts.options.host, event, power: now })
    } catch (error) {
      parts.log.warn(
        { instance_id: event.id, err: error },
        'guest event could not be carried in; the next comparison will',
      )
    }
  }
}

const sweepsOf = ({ driver, bus, clock, log, options }: Parts, destroy: (id: string) => Promise<unknown>) =>
  new GuestSweeps({ driver, bus, clock, log, host: options.host, deleted: options.deletedGuests, destroy })

export const CannotFenceItself = declareFault(
  'InvalidConfiguration',
  'final',
  (p: { reason: string }) => `[instance_ha] self_fence: ${p.reason}`,
)

async function openLease({ driver, clock, log, options }: Parts): Promise<GuestLease | undefined> {
  const { selfFence, reportMs } = options
  if (selfFence === undefined) return undefined
  const { fencing } = driver
  if (fencing === undefined) throw CannotFenceItself({ reason: 'this hypervisor has no way to kill all its guests.' })
  const { leaseMs, file, guardProgram: program } = selfFence
  if (leaseMs < 3 * reportMs) throw CannotFenceItself({ reason: 'lease_time is below three times report_interval.' })
  const { guardArguments: args } = fencing
  const guard = args === undefined ? undefined : new Guard({ program, args: ['--lease', file, ...args], log })
  return GuestLease.open({ file, leaseMs, fencing, guard, clock, log })
}

/** Says that this host is there, and has its lease renewed. */
async function beat({ bus, options: { host }, lease }: Reporting): Promise<void> {
  const conductor = bus.client(conductorContract)
  if (lease === undefined) await conductor.heartbeat({ host, binary })
  else await lease.beat(async promise => (await conductor.heartbeat({ host, binary, ...promise }))?.lease)
}

/** Its guests go on after it, if a conductor hears of it: nobody is to take them for dead. */
async function handIn({ bus, log, options: { host } }: Parts, lease: GuestLease | undefined): Promise<void> {
  if (lease === undefined) return
  await lease
    .giveUp(() => bus.client(conductorContract).heartbeat({ host, binary }))
    .catch(error =>
      log.warn({ err: error }, 'the lease could not be given up; it ends in its time, and the guests with it'),
    )
  lease.stop()
}

/** All that recurs; an interval that is not given never comes. */
function startTimers(parts: Reporting, sweeps: GuestSweeps): readonly (() => void)[] {
  const { driver, clock, log, options } = parts
  const timer = (what: string, ms: number | undefined, task: () => Promise<unknown>) =>
    ms === undefined ? [] : [every(clock, ms, task, error => log.error({ err: error }, `${what} failed`))]
  return [
    ...timer('heartbeat', options.reportMs, () => beat(parts)),
    ...timer('resource report', options.resourcesMs, () => report(parts)),
    ...timer('removal of what left', options.resourcesMs, () => sweeps.removeLeavers()),
    ...timer('comparison of power states', options.powerMs, () => sweeps.comparePower()),
    ...(driver.imageCache === undefined
      ? []
      : timer('cleaning of the image cache', options.imageCacheMs, async () => driver.imageCache?.clean())),
    ...timer('end of deleted guests', options.deletedGuests.everyMs, () => sweeps.endDeleted()),
  ]
}

/** nova-compute: one hypervisor host. Without keys to anything but the bus. */
export async function startAgent(given: Parts): Promise<Agent> {
  const { driver, bus, clock, log, options } = given
  const lease = await openLease(given)
  const parts = { ...given, lease, monitors: new ComputeMonitors(options.monitors ?? [], log) }
  const { host } = options
  const conductor = bus.client(conductorContract)
  const stopping = new AbortController()
  // A conductor that is away now comes back; the host waits for it.
  const insist = <T>(work: () => Promise<T>) =>
    retry(work, { attempts: Number.MAX_SAFE_INTEGER, delayMs: 100, maxDelayMs: 5_000, clock, signal: stopping.signal })
  await insist(() => conductor.hello({ host, binary, version: options.serviceVersion }))
  if (lease !== undefined) await insist(() => beat(parts))
  await insist(() => report(parts))
  const handlers = recording(
    onlyWithLease(computeHandlers(driver, options), host, lease),
    driver,
    (id, record) => conductor.guestRecord({ host, id, record }),
    log,
  )
  const stopServing = bus.serve(computeContract, host, handlers)
  const sweeps = sweepsOf(parts, id => handlers.destroy({ id }, {}))
  const timers = startTimers(parts, sweeps)
  const following = follow(parts, stopping.signal).catch(error => {
    if (!stopping.signal.aborted) log.error({ err: error }, 'guest events ended')
  })
  await insist(() => conductor.ready({ host }))
  if (options.resumesGuests) await insist(() => sweeps.resume())
  await insist(() => sweeps.comparePower())
  await insist(() => sweeps.removeLeavers())
  await insist(() => sweeps.endDeleted())
  return {
    stop: async () => {
      stopping.abort()
      for (const cancel of timers) cancel()
      await handIn(parts, lease)
      stopServing()
      await following
    },
  }
}
