import { type Clock, type InstanceId, instanceId, KeyedQueues, pause } from '#base'
import { type GuestEvent, type PowerState, power } from '../driver.ts'
import { GuestNotFound, HypervisorError } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'
import type { FakeOperation, FaultPlan } from './faults-plan.ts'
import type { GuestRecord, RescueRecord } from './guest-record.ts'
import { locked } from './locked-disks.ts'
import { apply, type GuestChange, type Guests, noGuests, StateFile } from './state-file.ts'

export interface HypervisorOptions {
  readonly clock: Clock
  readonly faults: FaultPlan
  readonly latency: Partial<Record<FakeOperation, number>>
  readonly stateFile: string | undefined
}

/** The guests, and one way to change them: in order per guest, after the latency, remembered, announced. */
export class FakeHypervisor {
  readonly clock: Clock
  readonly guests: ReadonlyMap<string, GuestRecord>
  /** Set aside by a cold move: unseen, until it is confirmed or reverted. */
  readonly aside: ReadonlyMap<string, GuestRecord>
  readonly #known: Guests
  readonly #options: HypervisorOptions
  readonly #file: StateFile | undefined
  readonly #changes = new KeyedQueues<InstanceId>()
  readonly #listeners = new Set<(event: GuestEvent) => void>()

  constructor(options: HypervisorOptions) {
    this.#options = options
    this.clock = options.clock
    this.#file = options.stateFile === undefined ? undefined : new StateFile(options.stateFile)
    this.#known = this.#file?.known ?? noGuests()
    this.guests = this.#known.guests
    this.aside = this.#known.aside
  }

  close(): void {
    this.#listeners.clear()
    this.#file?.close()
  }

  on(listener: (event: GuestEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A question: latency and planned faults, nothing changes. */
  async ask<T>(operation: FakeOperation, answer: () => T | Promise<T>): Promise<T> {
    await this.#delay(operation)
    this.#options.faults.throwPlanned(operation)
    return answer()
  }

  /** A device is taken from the guest, which has to agree while it runs. */
  letGo(guest: GuestRecord): void {
    this.#options.faults.letGo(guest.power === power.running)
  }

  change<T>(operation: FakeOperation, id: InstanceId, work: () => T | Promise<T>): Promise<T> {
    return this.#changes.run(id, () => this.ask(operation, work))
  }

  async #delay(operation: FakeOperation): Promise<void> {
    const ms = this.#options.latency[operation]
    if (ms !== undefined && ms > 0) await pause(ms, this.clock)
  }

  existing(id: InstanceId): GuestRecord {
    const guest = this.guests.get(id)
    if (guest === undefined) throw GuestNotFound({ id })
    return guest
  }

  put(id: InstanceId, guest: GuestRecord, event?: GuestEvent['kind']): void {
    this.write(id, { guest })
    if (event !== undefined) this.#emit({ id, kind: event })
  }

  /** In one piece, so that no crash leaves half of a move. */
  write(id: InstanceId, change: GuestChange): void {
    apply(this.#known, id, change)
    this.#file?.append(id, change)
  }

  /** Gone from here, or from sight when it is set aside. */
  remove(id: InstanceId, aside?: GuestRecord): void {
    const guest = this.guests.get(id)
    if (guest === undefined) return
    this.write(id, { guest: null, ...(aside === undefined ? {} : { aside }) })
    if (guest.power === power.running || guest.power === power.paused) this.#emit({ id, kind: 'stopped' })
    this.#emit({ id, kind: 'undefined' })
  }

  boot(spec: GuestSpec, before: GuestRecord | undefined, disk = before?.disk, rescue?: RescueRecord): void {
    this.put(spec.id, this.#booted(spec, before, disk, rescue), 'started')
  }

  /** A new guest that has never run. */
  make(spec: GuestSpec, disk: GuestRecord['disk']): void {
    const made = this.#booted(spec, undefined, disk)
    this.put(spec.id, { ...made, power: power.shutdown, startedAtMs: null, boots: 0 })
  }

  /** The disk stays that of its first boot, whatever image later specs name. */
  #booted(
    spec: GuestSpec,
    before: GuestRecord | undefined,
    disk: GuestRecord['disk'],
    rescue?: RescueRecord,
  ): GuestRecord {
    const { configDrive, shares, ...rest } = { ...spec, disks: locked(spec) }
    mustBeMounted(spec, before)
    const plain = shares === undefined ? rest : { ...rest, shares: shares.map(share => ({ ...share, user: null })) }
    const format = before === undefined ? configDrive?.format : before.configDrive
    const { ephemeralMade, passwords, dumps, mounted } = before ?? {}
    return {
      spec: plain,
      ...(format === undefined ? {} : { configDrive: format }),
      power: power.running,
      vifs: spec.vifs,
      ...(disk === undefined ? {} : { disk }),
      disks: rest.disks,
      overlays: before?.overlays ?? {},
      startedAtMs: this.clock.now(),
      boots: (before?.boots ?? 0) + 1,
      wasShutDown: false,
      display: before?.display ?? this.freeDisplay(),
      ...(rescue === undefined ? {} : { rescue }),
      ...(ephemeralMade === undefined ? {} : { ephemeralMade }),
      ...(passwords === undefined ? {} : { passwords }),
      ...(dumps === undefined ? {} : { dumps }),
      ...(mounted === undefined ? {} : { mounted }),
    }
  }

  freeDisplay(): number {
    const taken = new Set(Array.from(this.guests.values(), guest => guest.display))
    let display = 0
    while (taken.has(display)) display++
    return display
  }

  turn(id: InstanceId, to: PowerState, event: GuestEvent['kind'], wasShutDown = false): void {
    this.put(id, { ...this.existing(id), power: to, wasShutDown }, event)
  }

  #emit(event: GuestEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

export const idOf = (guest: GuestRecord): InstanceId => instanceId(guest.spec.id)

/** Like a real one, which would find no folder to give to the guest. */
function mustBeMounted({ shares = [] }: GuestSpec, before: GuestRecord | undefined): void {
  const missing = shares.find(share => before?.mounted?.includes(share.id) !== true)
  if (missing !== undefined) throw HypervisorError({ operation: 'start', reason: `share ${missing.id} is not mounted` })
}
