import type { Clock, Log } from '#base'
import { type Bus, conductorContract, type ExpectedGuest } from '#bus'
import { type GuestEvent, type GuestSummary, power, type VirtDriver } from '#virt'

/** What is done with guests whose server is deleted; `running_deleted_instance_*`. */
export interface DeletedGuests {
  readonly action: 'reap' | 'shutdown' | 'log' | 'noop'
  /** Between two looks; none: never. */
  readonly everyMs?: number
  /** Only those deleted so long ago. */
  readonly afterMs: number
}

export interface SweepParts {
  readonly driver: VirtDriver
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Log
  readonly host: string
  readonly deleted: DeletedGuests
  /** Removes a guest in its turn, like everything that is asked of it. */
  readonly destroy: (id: string) => Promise<unknown>
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

const off: readonly number[] = [power.shutdown, power.crashed]

/** Looks at all guests of a host, comparing them with the records; each may run at any time and again. */
export class GuestSweeps {
  readonly #p: SweepParts

  constructor(parts: SweepParts) {
    this.#p = parts
  }

  get #conductor() {
    return this.#p.bus.client(conductorContract)
  }

  async #expected(): Promise<ReadonlyMap<string, ExpectedGuest>> {
    const { host } = this.#p
    return new Map((await this.#conductor.expectedGuests({ host })).map(record => [record.id, record]))
  }

  /** Guests that changed while nobody watched are told; servers without a guest are named in the log. */
  async comparePower(): Promise<void> {
    const { driver, host, log } = this.#p
    const guests = await driver.list()
    const expected = await this.#expected()
    for (const guest of guests) {
      const record = expected.get(guest.id)
      if (record === undefined || record.taskState !== null || record.powerState === guest.power) continue
      await this.#conductor.guestEvent({ host, event: eventOf(guest), power: guest.power })
    }
    const present = new Set<string>(guests.map(g => g.id))
    for (const { id, taskState, powerState, vmState } of expected.values()) {
      if (present.has(id) || taskState !== null || powerState === power.noState || vmState === 'error') continue
      log.warn({ instance_id: id, vm_state: vmState }, 'the hypervisor has no guest for this server')
    }
  }

  /** The host has just started and its guests have not: those that ran before run again. */
  async resume(): Promise<void> {
    const { driver, host } = this.#p
    const down = (await driver.list()).filter(guest => off.includes(guest.power)).map(guest => guest.id)
    if (down.length > 0) await this.#conductor.resumeGuests({ host, off: down })
  }

  /** Records of the guests that are not expected here. Guests that Nova never knew have none, and are not touched. */
  async #strangers() {
    const guests = await this.#p.driver.list()
    if (guests.length === 0) return []
    const expected = await this.#expected()
    const ids = guests.filter(guest => !expected.has(guest.id)).map(guest => guest.id)
    return ids.length === 0 ? [] : await this.#conductor.knownGuests({ ids })
  }

  /** One guest that cannot be put in order keeps no other waiting, and the host not from its start: the next look tries again. */
  async #unlessItFails(id: string, work: () => Promise<unknown> | undefined): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#p.log.error({ instance_id: id, err: error }, 'a guest could not be put in order; it is tried again')
      return false
    }
  }

  #remove(id: string): Promise<boolean> {
    const { destroy, driver } = this.#p
    return this.#unlessItFails(id, async () => {
      await destroy(id)
      await driver.shares?.unmount(id as GuestSummary['id'], [])
    })
  }

  /**
   * Guests of servers that went to another host while this one was away, and what moves have left here: it goes when they
   * are over, or is a guest again.
   */
  async removeLeavers(): Promise<void> {
    const { host, log, driver } = this.#p
    const left: string[] = []
    for (const { id, host: home, isDeleted, taskState } of await this.#strangers()) {
      if (isDeleted || home === host || taskState !== null) continue
      log.warn({ instance_id: id, host: home }, 'guest of a server that lives elsewhere; removing it')
      if (!(await this.#remove(id))) left.push(id)
    }
    const { coldMigration } = driver
    const aside = (await coldMigration?.setAside()) ?? []
    const { over, back } = await this.#conductor.settleMoves({ host, aside, left })
    for (const { spec, isOn } of back) await this.#unlessItFails(spec.id, () => coldMigration?.revert(spec, { isOn }))
    for (const id of over) await this.#unlessItFails(id, () => coldMigration?.confirm(id as GuestSummary['id']))
    await this.#discardAbandoned()
  }

  /** What was made ready here for guests that do not come any more. */
  async #discardAbandoned(): Promise<void> {
    const { host, log, driver } = this.#p
    const { liveMigration, coldMigration } = driver
    const awaited = (await liveMigration?.awaited()) ?? []
    if (awaited.length === 0) return
    const { ids } = await this.#conductor.abandoned({ host, ids: awaited })
    for (const id of ids as GuestSummary['id'][]) {
      log.warn({ instance_id: id }, 'this host was made ready for a guest that does not come; removing what it made')
      await this.#unlessItFails(id, async () => {
        await liveMigration?.discardIncoming(id)
        if (!(await driver.guest(id).state()).exists) await coldMigration?.discard(id)
      })
    }
  }

  /** Guests of servers that were deleted, most often while this host was away. */
  async endDeleted(): Promise<void> {
    const { log, clock, driver } = this.#p
    const { action, afterMs } = this.#p.deleted
    if (action === 'noop') return
    for (const { id, isDeleted, deletedAtMs } of await this.#strangers()) {
      if (!isDeleted || clock.now() - (deletedAtMs ?? 0) < afterMs) continue
      log.warn({ instance_id: id, action }, 'guest of a server that is deleted')
      if (action === 'reap') await this.#remove(id)
      else if (action === 'shutdown')
        await this.#unlessItFails(id, () => driver.guest(id as GuestSummary['id']).stop('now'))
    }
  }
}
