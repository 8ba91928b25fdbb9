import { type Clock, type InstanceId, instanceId, KeyedQueues, type Log } from '#base'
import { type GuestEvent, type PowerState, power } from '../../driver.ts'
import { listGuests, powerOfGuest } from '../daemon/daemon-calls.ts'
import type { ClientEvent, DomainRef, LibvirtClient } from '../rpc/index.ts'
import { domainState, pausedReason } from './power.ts'

/** virDomainEventType */
const lifecycle = { undefined: 1, started: 2, suspended: 3, resumed: 4, stopped: 5, crashed: 8 } as const
/** virDomainEventStoppedDetailType: not by a shutdown from within, nor by us. */
const stoppedByCrash = new Set([2, 5])
/** Its memory is on disk. */
const stoppedBySave = 4
/**
 * A daemon that was started again takes up its guests one by one in the background, and a guest that ends while it does goes
 * without an event. After this it has long done so.
 */
const takenUpMs = 15_000

/**
 * What happens to the guests, as libvirt tells it, in order per guest. After a lost connection the states are read again
 * and every difference to what was known becomes an event, so that nothing is missed; an event may then come twice.
 */
export class GuestEvents {
  readonly #client: LibvirtClient
  readonly #log: Log
  readonly #clock: Clock
  #cancelSecondLook: () => void = () => undefined
  readonly #order = new KeyedQueues<InstanceId>()
  readonly #known = new Map<InstanceId, PowerState>()
  readonly #listeners = new Set<(event: GuestEvent) => void>()
  readonly #stop: () => void

  constructor(client: LibvirtClient, log: Log, clock: Clock) {
    this.#client = client
    this.#log = log
    this.#clock = clock
    this.#stop = client.onEvent(event => this.#take(event))
  }

  /** Learns the present states, against which later ones are compared. */
  async start(): Promise<void> {
    for (const guest of await listGuests(this.#client)) this.#known.set(guest.id, guest.power)
  }

  close(): void {
    this.#cancelSecondLook()
    this.#stop()
    this.#listeners.clear()
  }

  /** Returns the function that ends the subscription. */
  on(listener: (event: GuestEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #take(event: ClientEvent): void {
    if (event.kind === 'lifecycle') {
      const id = instanceId(event.domain.uuid)
      void this.#order.run(id, () => this.#lifecycle(id, event.domain, event.event, event.detail)).catch(this.#failed)
    } else if (event.kind === 'reconnected') {
      const look = () => void this.#compare().catch(this.#failed)
      look()
      this.#cancelSecondLook()
      this.#cancelSecondLook = this.#clock.after(takenUpMs, look)
    }
  }

  readonly #failed = (error: unknown): void => {
    this.#log.warn({ err: error }, 'an event of the hypervisor could not be understood')
  }

  async #lifecycle(id: InstanceId, domain: DomainRef, event: number, detail: number): Promise<void> {
    switch (event) {
      case lifecycle.undefined:
        return this.#emit({ id, kind: 'undefined' })
      case lifecycle.started:
        return this.#emit({ id, kind: 'started' })
      case lifecycle.resumed:
        // A start announces itself twice, as the end of QEMU's initial pause too.
        if (this.#isPausedOrDead(id)) this.#emit({ id, kind: 'resumed' })
        return
      case lifecycle.stopped:
        if (detail === stoppedBySave) return this.#emit({ id, kind: 'suspended' })
        return this.#emit({ id, kind: stoppedByCrash.has(detail) ? 'crashed' : 'stopped' })
      case lifecycle.crashed:
        return this.#emit({ id, kind: 'crashed' })
      case lifecycle.suspended: {
        const status = { state: domainState.paused, reason: pausedReason.unknown }
        const now = await powerOfGuest(this.#client, domain, status)
        return this.#emit({ id, kind: now === power.crashed ? 'crashed' : 'paused' })
      }
    }
  }

  #isPausedOrDead(id: InstanceId): boolean {
    const known = this.#known.get(id)
    return known === power.paused || known === power.crashed
  }

  async #compare(): Promise<void> {
    const now = new Map((await listGuests(this.#client)).map(guest => [guest.id, guest.power]))
    for (const id of new Set([...this.#known.keys(), ...now.keys()])) {
      const kind = difference(this.#known.get(id), now.get(id))
      if (kind !== undefined) await this.#order.run(id, () => this.#emit({ id, kind }))
    }
  }

  #emit(event: GuestEvent): void {
    const after = powerAfter[event.kind]
    if (after === undefined) this.#known.delete(event.id)
    else this.#known.set(event.id, after)
    for (const listener of this.#listeners) listener(event)
  }
}

const powerAfter: Record<GuestEvent['kind'], PowerState | undefined> = {
  started: power.running,
  resumed: power.running,
  paused: power.paused,
  // Saved on disk, which the daemon shows as off.
  suspended: power.shutdown,
  stopped: power.shutdown,
  crashed: power.crashed,
  undefined: undefined,
}

function difference(before: PowerState | undefined, after: PowerState | undefined): GuestEvent['kind'] | undefined {
  if (before === after) return undefined
  if (after === undefined) return 'undefined'
  if (after === power.running) return before === power.paused ? 'resumed' : 'started'
  if (after === power.paused) return 'paused'
  if (after === power.crashed) return 'crashed'
  return before === undefined || after === power.noState ? undefined : 'stopped'
}
