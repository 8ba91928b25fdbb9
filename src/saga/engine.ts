import { type Clock, every, faultRecord, InternalError, Limiter, type Log, systemClock } from '#base'
import type { AnyDefinition, Outcome } from './definition.ts'
import type { JournalStore, SagaRow } from './journal.ts'
import { Abandoned, Outage, type Probe, SagaRun, type Told, tellingsOf } from './run.ts'

/** Who is told of what sagas do. */
export interface Listener<Tx> {
  /** In the transaction that journals the moment. */
  tell(tx: Tx, row: SagaRow, told: Told): Promise<void>
  /** Runs the saga in the name of whoever asked for it. */
  around<T>(row: SagaRow, work: () => Promise<T>): Promise<T>
}

export interface EngineOptions<Tx> {
  readonly store: JournalStore<Tx>
  readonly definitions: readonly AnyDefinition[]
  /** Handed to every step. */
  readonly deps: unknown
  /** Unique per process life: host, pid and a random part. */
  readonly owner: string
  readonly log: Log
  readonly clock?: Clock
  readonly leaseMs?: number
  /** How often open sagas without a living owner are looked for. */
  readonly sweepMs?: number
  readonly concurrency?: number
  readonly probe?: Probe
  /** Whether a step that could still be undone is tried once more after a transient fault; by default not for long. */
  readonly patience?: (error: unknown, waitedMs: number) => Promise<boolean>
  /**
   * Whether an error of the journal or of a step says that the database is away. The run is then left as a crash would leave
   * it, and taken up again until the database answers.
   */
  readonly isOutage?: (error: unknown) => boolean
  /** Who is told what definitions tell; without one nothing is told, and nothing more is written than the journal. */
  readonly listener?: Listener<Tx>
  /** Called after each end, for metrics and for tests that wait. */
  readonly onEnd?: (row: SagaRow, outcome: Outcome) => void
}

/** Between two tries to take up a saga that was left because the database went away. */
const outagePauseMs = 1000

/**
 * Runs sagas to their end.
 *
 * Theory of operation. A saga row is written by whoever accepts the request, in that request's transaction; `wake` only
 * shortens the wait, the sweep finds every open saga whose lease has lapsed. A worker owns a saga by a lease, renewed by a
 * timer; all its writes compare owner and generation, so a worker that slept too long loses at its next write and abandons
 * the run. Ends release the sagas that waited for this one. When the database goes away, what was running is as after a
 * crash: each saga is claimed anew, from where its journal then stands.
 */
export class SagaEngine<Tx> {
  readonly #o: EngineOptions<Tx>
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #definitions: ReadonlyMap<string, AnyDefinition>
  readonly #running = new Map<string, AbortController>()
  readonly #runs = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #poke = new AbortController()
  readonly #limiter: Limiter
  readonly #stopTimers: (() => void)[] = []
  readonly #leftFor = new Map<string, () => void>()

  constructor(options: EngineOptions<Tx>) {
    this.#o = options
    this.#clock = options.clock ?? systemClock
    this.#leaseMs = options.leaseMs ?? 30_000
    this.#definitions = new Map(options.definitions.map(d => [d.name, d]))
    this.#limiter = new Limiter(options.concurrency ?? 256)
  }

  start(): void {
    const failed = (error: unknown) => this.#o.log.error({ err: error }, 'saga timer failed')
    const renew = () =>
      this.#running.size === 0 ? undefined : this.#o.store.renew(this.#o.owner, this.#clock.now() + this.#leaseMs)
    this.#stopTimers.push(
      every(this.#clock, this.#o.sweepMs ?? 5_000, () => this.sweep(), failed),
      every(this.#clock, this.#leaseMs / 3, renew, failed),
    )
    void this.sweep()
  }

  /** Looks for open sagas that nobody works on. */
  async sweep(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    try {
      for (const id of await this.#o.store.runnable(this.#clock.now(), 500)) this.wake(id)
    } catch (error) {
      this.#o.log.error({ err: error }, 'looking for open sagas failed')
    }
  }

  /** There is work on this saga, probably. */
  wake(id: string): void {
    if (this.#stopping.signal.aborted || this.#running.has(id)) return
    const cancelled = new AbortController()
    this.#running.set(id, cancelled)
    const run = this.#limiter
      .run(() => this.#work(id, cancelled))
      .catch(error => {
        if (this.#isOutage(error)) return this.#takeUpLater(id, error)
        return this.#o.log.error({ saga_id: id, err: error }, 'saga worker failed')
      })
      .finally(() => {
        this.#running.delete(id)
        this.#runs.delete(run)
      })
    this.#runs.add(run)
  }

  /** The saga's row says cancelled: interrupts the running step, when it runs here. `why` is then what it failed of. */
  interrupt(id: string, why?: Error): void {
    this.#running.get(id)?.abort(why)
  }

  /** Something has come back that sagas may be waiting for: those that rest before their next try go on now. */
  poke(): void {
    const before = this.#poke
    this.#poke = new AbortController()
    before.abort()
  }

  /** Resolves when nothing runs here. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs)
  }

  /** Takes no more work and leaves running sagas where their journals stand; the next process resumes them. */
  async stop(withinMs = 500): Promise<void> {
    this.#stopping.abort()
    for (const stopTimer of this.#stopTimers.splice(0)) stopTimer()
    for (const cancel of this.#leftFor.values()) cancel()
    let cancelTimer: () => void = () => undefined
    const deadline = new Promise<void>(resolve => {
      cancelTimer = this.#clock.after(withinMs, resolve)
    })
    await Promise.race([this.idle(), deadline])
    cancelTimer()
  }

  #isOutage(error: unknown): boolean {
    return error instanceof Outage || this.#o.isOutage?.(error) === true
  }

  /** The lease is ours as long as we live, so nobody else will. */
  #takeUpLater(id: string, error: unknown): void {
    this.#o.log.warn({ saga_id: id, err: error }, 'saga is left until the database answers')
    if (this.#stopping.signal.aborted || this.#leftFor.has(id)) return
    const cancel = this.#clock.after(outagePauseMs, () => {
      this.#leftFor.delete(id)
      this.wake(id)
    })
    this.#leftFor.set(id, cancel)
  }

  async #work(id: string, cancelled: AbortController): Promise<void> {
    const { store, owner, log } = this.#o
    if (this.#stopping.signal.aborted) return
    const now = this.#clock.now()
    const claimed = await store.claim(id, owner, now, now + this.#leaseMs)
    if (claimed === undefined) return
    const definition = this.#definitions.get(claimed.name)
    if (definition === undefined) {
      log.error({ saga: claimed.name, saga_id: id }, 'no such saga in this release; left for a worker that knows it')
      return
    }
    const run = () => this.#runToEnd(claimed, definition, cancelled)
    try {
      await (this.#o.listener === undefined ? run() : this.#o.listener.around(claimed, run))
    } catch (error) {
      if (!(error instanceof Abandoned) || error instanceof Outage) throw error
      log.info({ saga: claimed.name, saga_id: id, why: error.message }, 'saga left for another worker')
      return
    }
    for (const dependent of await store.dependents(id)) this.wake(dependent)
  }

  async #runToEnd(claimed: SagaRow, definition: AnyDefinition, cancelled: AbortController): Promise<void> {
    const { store, owner, log, deps, probe, patience, listener } = this.#o
    let row = claimed
    if (row.isCancelled) cancelled.abort()
    const telling = (all: readonly Told[]) =>
      listener === undefined || all.length === 0
        ? undefined
        : async (tx: Tx) => {
            for (const told of all) await listener.tell(tx, row, told)
          }
    const save = async (told: readonly Told[] = []) => {
      const result = await store.write(row, owner, row.journal, telling(told)).catch((error: unknown) => {
        throw this.#isOutage(error) ? new Outage(error) : error
      })
      if (result === 'lost') throw new Abandoned('another worker owns it')
      if (result === 'cancelled') cancelled.abort()
      row = { ...row, generation: row.generation + 1 }
    }
    const run = new SagaRun({
      sagaId: row.id,
      definition,
      input: row.input,
      journal: row.journal,
      deps,
      log,
      clock: this.#clock,
      stopping: this.#stopping.signal,
      cancelled,
      save,
      hasListeners: listener !== undefined,
      poked: () => this.#poke.signal,
      isOutage: error => this.#o.isOutage?.(error) === true,
      ...(patience === undefined ? {} : { patience }),
      ...(probe === undefined ? {} : { probe }),
    })
    const { status, outputs } = await run.toEnd()
    const failure = row.journal.failure ?? faultRecord(InternalError({ message: 'undone without a failure' }))
    const outcome: Outcome = status === 'done' ? { status } : { status, failure }
    const failed = outcome.status === 'undone' ? outcome.failure : undefined
    const told = tellingsOf(definition, status, '', row.journal.told ?? [], outputs, failed)
    const result = await store.finish(
      row,
      owner,
      row.journal,
      status,
      async tx => {
        await definition.settle?.(outputs, outcome, tx, { sagaId: row.id, nowMs: this.#clock.now() })
      },
      telling(told),
    )
    if (result === 'lost') throw new Abandoned('another worker owns it')
    log.info(
      {
        saga: row.name,
        saga_id: row.id,
        instance_id: row.instanceId,
        status,
        ...(status === 'undone' ? { fault: failure.code, reason: failure.message } : {}),
      },
      'saga ended',
    )
    this.#o.onEnd?.(row, outcome)
  }
}
