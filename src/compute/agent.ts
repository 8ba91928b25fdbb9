import { type Clock, every, type Log, retry } from '#base'
import { type Bus, computeContract, conductorContract, type HostReport } from '#bus'
import { type GuestEvent, type GuestSummary, power, type VirtDriver } from '#virt'
import { recording } from './guest-records.ts'
import { computeHandlers, type HandlerOptions } from './handlers.ts'
import { described, type HardwareOptions } from './hardware.ts'

export interface AgentOptions extends HandlerOptions {
  /** `[DEFAULT] host`: the name under which this host is known. */
  readonly host: string
  readonly nodeId: string
  readonly serviceVersion: number
  /** `report_interval`. */
  readonly reportMs: number
  /** How often resources are reported and guests compared with the records; `update_resources_interval`, none: never. */
  readonly resourcesMs?: number
  /** How often cached images are looked through; `[image_cache] manager_interval`, none: never. */
  readonly imageCacheMs?: number
  readonly reserved: HostReport['reserved']
  readonly ratios: HostReport['ratios']
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

const binary = 'nova-compute'

/** Tells the conductor what this host is; called at start and then every minute. */
async function report({ driver, bus, options }: Parts): Promise<void> {
  const { host, nodeId, reserved, ratios } = options
  const facts = described(await driver.host.describe(), options.hardware)
  await bus.client(conductorContract).reportHost({ host, nodeId, ...facts, reserved, ratios })
}

const eventOf = (guest: GuestSummary): GuestEvent => {
  const kinds = {
    [power.running]: 'started',
    [power.paused]: 'paused',
    [power.suspended]: 'suspended',
    [power.crashed]: 'crashed',
  } as const
  return { id: guest.id, kind: kinds[guest.power as keyof typeof kinds] ?? 'stopped' }
}

/**
 * Compares guests with records, both ways: guests that went off while nobody watched are told, guests whose server was
 * deleted while this host was away are removed. Guests that Nova never knew are not touched.
 */
async function compare(parts: Parts): Promise<void> {
  const { driver, bus, log, options } = parts
  const conductor = bus.client(conductorContract)
  const { host } = options
  const guests = await driver.list()
  const expected = new Map((await conductor.expectedGuests({ host })).map(e => [e.id, e]))
  for (const guest of guests) {
    const record = expected.get(guest.id)
    if (record === undefined || record.taskState !== null || record.powerState === guest.power) continue
    await conductor.guestEvent({ host, event: eventOf(guest), power: guest.power })
  }
  const present = new Set<string>(guests.map(g => g.id))
  for (const record of expected.values()) {
    if (
      present.has(record.id) ||
      record.taskState !== null ||
      record.powerState === power.noState ||
      record.vmState === 'error'
    )
      continue
    log.warn({ instance_id: record.id, vm_state: record.vmState }, 'the hypervisor has no guest for this server')
  }
  const strangers = guests.filter(g => !expected.has(g.id)).map(g => g.id)
  await settleMoves(parts, await removeStrangers(parts, strangers))
}

/** Guests of servers that are deleted, or have gone to another host while this one was away. Tells which would not go. */
async function removeStrangers(
  { driver, bus, log, options }: Parts,
  strangers: readonly string[],
): Promise<readonly string[]> {
  const left: string[] = []
  if (strangers.length === 0) return left
  const conductor = bus.client(conductorContract)
  const { host } = options
  for (const known of await conductor.knownGuests({ ids: strangers })) {
    const belongsHere = !known.isDeleted && known.host === host
    if (belongsHere || known.taskState !== null) continue
    log.warn({ instance_id: known.id }, 'guest of a server that is deleted or lives elsewhere; removing it')
    const isGone = await unlessItFails(log, known.id, async () => {
      await driver.guest(known.id as GuestSummary['id']).destroy()
      await driver.shares?.unmount(known.id as GuestSummary['id'], [])
    })
    if (!isGone) left.push(known.id)
  }
  return left
}

/** One guest that cannot be put in order keeps no other waiting, and the host not from its start: the next look tries again. */
async function unlessItFails(log: Log, id: string, work: () => Promise<void> | undefined): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    log.error({ instance_id: id, err: error }, 'a guest could not be put in order; it is tried again')
    return false
  }
}

/** What moves have left here goes when they are over, or is a guest again; both may have come while this host was away. */
async function settleMoves({ driver, bus, log, options }: Parts, left: readonly string[]): Promise<void> {
  const aside = (await driver.coldMigration?.setAside()) ?? []
  const { over, back } = await bus.client(conductorContract).settleMoves({ host: options.host, aside, left })
  for (const { spec, isOn } of back)
    await unlessItFails(log, spec.id, () => driver.coldMigration?.revert(spec, { isOn }))
  for (const id of over) await unlessItFails(log, id, () => driver.coldMigration?.confirm(id as GuestSummary['id']))
}

async function follow(parts: Parts, signal: AbortSignal): Promise<void> {
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

function imageCleaning({ driver, clock, options }: Parts, failed: (error: unknown) => void): readonly (() => void)[] {
  const { imageCacheMs: ms } = options
  const stock = driver.imageCache
  return stock === undefined || ms === undefined ? [] : [every(clock, ms, () => stock.clean(), failed)]
}

/** nova-compute: one hypervisor host. Without keys to anything but the bus. */
export async function startAgent(parts: Parts): Promise<Agent> {
  const { driver, bus, clock, log, options } = parts
  const conductor = bus.client(conductorContract)
  const stopping = new AbortController()
  // A conductor that is away now comes back; the host waits for it.
  const insist = <T>(work: () => Promise<T>) =>
    retry(work, { attempts: Number.MAX_SAFE_INTEGER, delayMs: 100, maxDelayMs: 5_000, clock, signal: stopping.signal })
  await insist(() => conductor.hello({ host: options.host, binary, version: options.serviceVersion }))
  await insist(() => report(parts))
  const { host } = options
  const handlers = recording(
    computeHandlers(driver, options),
    driver,
    (id, record) => conductor.guestRecord({ host, id, record }),
    log,
  )
  const stopServing = bus.serve(computeContract, host, handlers)
  const failed = (what: string) => (error: unknown) => log.error({ err: error }, `${what} failed`)
  const beat = () => conductor.heartbeat({ host: options.host, binary })
  const timers = [
    every(clock, options.reportMs, beat, failed('heartbeat')),
    ...(options.resourcesMs === undefined
      ? []
      : [
          every(
            clock,
            options.resourcesMs,
            async () => {
              await report(parts)
              await compare(parts)
            },
            failed('resource report'),
          ),
        ]),
    ...imageCleaning(parts, failed('cleaning of the image cache')),
  ]
  const following = follow(parts, stopping.signal).catch(error => {
    if (!stopping.signal.aborted) log.error({ err: error }, 'guest events ended')
  })
  await insist(() => compare(parts))
  return {
    stop: async () => {
      stopping.abort()
      for (const cancel of timers) cancel()
      stopServing()
      await following
    },
  }
}
