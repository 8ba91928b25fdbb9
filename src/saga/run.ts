import { type Clock, declareFault, Fault, type FaultRecord, faultRecord, isTransient, type Log, pause } from '#base'
import type { AnyDefinition, AttemptStep, PlainStep, StepContext } from './definition.ts'
import type { AttemptRecord, Journal } from './journal.ts'

/** Somebody (a delete) asked the saga to stop and take everything back. */
export const SagaCancelled = declareFault(
  'SagaCancelled',
  'final',
  () => 'The operation was cancelled by a later request.',
  409,
)

/** Thrown through a run that must be left as it is: the process stops, or another worker owns the saga now. */
export class Abandoned extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'Abandoned'
  }
}

/** The same because the journal, or what the step works on, cannot be reached: whoever runs it takes it up again later. */
export class Outage extends Abandoned {
  constructor(cause: unknown) {
    super(`the database is away: ${(cause as Error).message}`)
    this.name = 'Outage'
    this.cause = cause
  }
}

/** Where a test may interfere: it throws a Fault to fail the step, or `Abandoned` to play kill -9. */
export type Probe = (at: {
  readonly saga: string
  readonly path: string
  readonly phase: 'before' | 'after' | 'journaled' | 'undo-before' | 'undo-after'
}) => void | Promise<void>

export interface RunOptions {
  readonly sagaId: string
  readonly definition: AnyDefinition
  readonly input: unknown
  readonly journal: Journal
  readonly deps: unknown
  readonly log: Log
  readonly clock: Clock
  /** Aborted when the process stops: the run is abandoned. */
  readonly stopping: AbortSignal
  /** Aborted when the saga is cancelled. */
  readonly cancelled: AbortController
  /**
   * Stores the journal, and tells; throws `Abandoned` when ownership is lost; aborts `cancelled` when asked to.
   */
  readonly save: (told?: readonly Told[]) => Promise<void>
  /** Whether anybody is to be told of anything. */
  readonly hasListeners: boolean
  /** Aborted, and another one given, whenever a rest should end early. */
  readonly poked: () => AbortSignal
  readonly patience?: (error: unknown, waitedMs: number) => Promise<boolean>
  /** Whether the error says that the database is away; then nothing can be said of the step. */
  readonly isOutage: (error: unknown) => boolean
  readonly probe?: Probe
}

/** One thing to be told. */
export interface Told {
  readonly event: string
  /** What the definition says of it. */
  readonly about: object
  readonly failure: FaultRecord | undefined
}

type Outputs = Record<string, unknown>

/** Tries of a step on a transient fault before the pivot, and the pauses between them. */
const transientTries = 4
const firstPauseMs = 100
const longestPauseMs = 30_000

/** What a definition tells at a moment, given what it has told before. */
export function tellingsOf(
  definition: AnyDefinition,
  moment: string,
  prefix: string,
  told: readonly string[],
  s: Outputs,
  failure: FaultRecord | undefined,
): readonly Told[] {
  return [definition.tells[moment] ?? []].flat().flatMap(({ event, about, after }) => {
    if (after !== undefined && !told.includes(prefix + after)) return []
    const details = about === undefined ? {} : about(s, failure)
    return details === undefined ? [] : [{ event, about: details, failure }]
  })
}

/**
 * One run of one saga, from wherever its journal stands to an end.
 *
 * Theory of operation. `journal.outputs` holds the output of each finished step; a step without one is run (again: it may
 * have been interrupted). Turning back is journaled before the first undo, so a restart keeps the direction. Undo goes
 * over the steps in reverse, *including* the first unfinished one, because an interrupted step may have left something.
 * After a pivot nothing is undone: failures are retried for ever, with growing pauses, each one logged.
 */
export class SagaRun {
  readonly #o: RunOptions
  readonly #journal: Journal

  constructor(options: RunOptions) {
    this.#o = options
    this.#journal = options.journal
  }

  get #isForwardOnly(): boolean {
    return this.#journal.isPastPivot || this.#o.definition.isForwardOnly
  }

  /** Resolves with the status to settle; rejects only with `Abandoned`. */
  async toEnd(): Promise<{ status: 'done' | 'undone'; outputs: Outputs }> {
    const { definition, input } = this.#o
    if (this.#journal.direction === 'forward') {
      try {
        return { status: 'done', outputs: await this.#forward(definition, '', input) }
      } catch (error) {
        if (error instanceof Abandoned) throw error
        this.#journal.direction = 'backward'
        const failure = faultRecord(error)
        this.#journal.failure = failure
        await this.#o.save(this.#tellings(definition, '', 'failed', this.#outputs(definition, '', input), failure))
      }
    }
    await this.#backward(definition, '', input)
    return { status: 'undone', outputs: this.#outputs(definition, '', input) }
  }

  async #forward(definition: AnyDefinition, prefix: string, input: unknown): Promise<Outputs> {
    const s: Outputs = { input }
    for (const step of definition.steps) {
      const path = prefix + step.name
      if (!(path in this.#journal.outputs)) {
        await this.#tellBefore(definition, prefix, `before ${step.name}`, s)
        const output = step.kind === 'attempt' ? await this.#attempt(step, path, s) : await this.#execute(step, path, s)
        this.#journal.outputs[path] = output ?? null
        if (step.kind === 'pivot') this.#journal.isPastPivot = true
        const told = this.#tellings(definition, prefix, `after ${step.name}`, { ...s, [step.name]: output })
        // The steps of an attempt are journaled one by one; that it is over follows from them.
        if (step.kind !== 'attempt' || told.length > 0) await this.#o.save(told)
        await this.#probe(path, 'journaled')
      }
      s[step.name] = this.#journal.outputs[path]
    }
    return s
  }

  /** Runs one step, with the retries its place in the saga allows. */
  async #execute(step: PlainStep, path: string, s: Outputs): Promise<unknown> {
    let firstFailureMs: number | undefined
    for (let tries = 1; ; tries++) {
      this.#checkSignals()
      try {
        await this.#probe(path, 'before')
        const output = await step.run(s, this.#o.deps, this.#context(path))
        await this.#probe(path, 'after')
        return output
      } catch (error) {
        this.#rethrowIfAbandoned(error)
        const isForwardOnly = this.#isForwardOnly
        if (!isForwardOnly && this.#o.cancelled.signal.aborted) throw this.#whyCancelled(error)
        firstFailureMs ??= this.#o.clock.now()
        if (!isForwardOnly && !(await this.#mayTryAgain(error, tries, firstFailureMs))) throw error
        this.#o.log.warn(
          { saga: this.#o.definition.name, saga_id: this.#o.sagaId, step: path, tries, err: error },
          'step failed, trying again',
        )
        await this.#rest(tries, this.#isForwardOnly ? [] : [this.#o.cancelled.signal])
      }
    }
  }

  async #mayTryAgain(error: unknown, tries: number, sinceMs: number): Promise<boolean> {
    if (!isTransient(error)) return false
    if (tries < transientTries) return true
    return (await this.#o.patience?.(error, this.#o.clock.now() - sinceMs)) ?? false
  }

  async #attempt(step: AttemptStep, path: string, s: Outputs): Promise<{ index: number }> {
    const items = step.items(s)
    const { attempts } = this.#journal
    const record: AttemptRecord = (attempts[path] ??= { index: 0, isUnwinding: false, failures: [] })
    for (;;) {
      const last = record.failures.at(-1)
      const isOver =
        record.index >= items.length || (last !== undefined && !record.isUnwinding && !step.mayTryNext(last))
      if (isOver) throw step.exhausted(s, record.failures)
      const item = items[record.index]
      const prefix = `${path}[${record.index}].`
      if (!record.isUnwinding) {
        try {
          await this.#forward(step.child, prefix, item)
          return { index: record.index }
        } catch (error) {
          if (error instanceof Abandoned || this.#o.cancelled.signal.aborted) throw error
          const failure = faultRecord(error)
          record.failures.push(failure)
          record.isUnwinding = true
          const outputs = this.#outputs(step.child, prefix, item)
          await this.#o.save(this.#tellings(step.child, prefix, 'failed', outputs, failure))
        }
      }
      await this.#backward(step.child, prefix, item)
      record.isUnwinding = false
      record.index++
      await this.#o.save()
    }
  }

  async #backward(definition: AnyDefinition, prefix: string, input: unknown): Promise<void> {
    const s = this.#outputs(definition, prefix, input)
    const unfinished = definition.steps.findIndex(step => !(prefix + step.name in this.#journal.outputs))
    const started = unfinished === -1 ? definition.steps : definition.steps.slice(0, unfinished + 1)
    for (const step of started.toReversed()) {
      const path = prefix + step.name
      if (this.#journal.undone.includes(path)) continue
      await this.#tellBefore(definition, prefix, `taking back ${step.name}`, s)
      if (step.kind === 'attempt') await this.#undoAttempt(step, path, s)
      else if (step.undo !== undefined) await this.#undo(step, path, s)
      else continue
      this.#journal.undone.push(path)
      await this.#o.save(this.#tellings(definition, prefix, `taken back ${step.name}`, s))
    }
  }

  async #undoAttempt(step: AttemptStep, path: string, s: Outputs): Promise<void> {
    const record = this.#journal.attempts[path]
    if (record === undefined) return
    const items = step.items(s)
    if (record.index >= items.length) return
    await this.#backward(step.child, `${path}[${record.index}].`, items[record.index])
  }

  /** Taking back never gives up. */
  async #undo(step: PlainStep, path: string, s: Outputs): Promise<void> {
    for (let tries = 1; ; tries++) {
      if (this.#o.stopping.aborted) throw new Abandoned('the process stops')
      try {
        await this.#probe(path, 'undo-before')
        await step.undo?.(s, this.#o.deps, this.#context(path))
        await this.#probe(path, 'undo-after')
        return
      } catch (error) {
        this.#rethrowIfAbandoned(error)
        this.#o.log.warn(
          { saga: this.#o.definition.name, saga_id: this.#o.sagaId, step: path, tries, err: error },
          'undo failed, trying again',
        )
        await this.#rest(tries, [])
      }
    }
  }

  /** In a transaction of its own, once. */
  async #tellBefore(definition: AnyDefinition, prefix: string, moment: string, s: Outputs): Promise<void> {
    const { told = [] } = this.#journal
    if (!this.#o.hasListeners || definition.tells[moment] === undefined || told.includes(prefix + moment)) return
    const now = this.#tellings(definition, prefix, moment, s)
    if (now.length === 0) return
    this.#journal.told = [...told, prefix + moment]
    await this.#o.save(now)
  }

  #tellings(
    definition: AnyDefinition,
    prefix: string,
    moment: string,
    s: Outputs,
    failure?: FaultRecord,
  ): readonly Told[] {
    if (!this.#o.hasListeners) return []
    const { told = [] } = this.#journal
    return tellingsOf(definition, moment, prefix, told, s, failure)
  }

  #outputs(definition: AnyDefinition, prefix: string, input: unknown): Outputs {
    const s: Outputs = { input }
    for (const step of definition.steps) {
      const path = prefix + step.name
      if (path in this.#journal.outputs) s[step.name] = this.#journal.outputs[path]
    }
    return s
  }

  #context(path: string): StepContext {
    const isTurningBack = this.#journal.direction === 'backward'
    return {
      sagaId: this.#o.sagaId,
      key: `${this.#o.sagaId}/${path}`,
      // An undo must not be stopped by the very cancel that started it.
      signal: isTurningBack ? this.#o.stopping : AbortSignal.any([this.#o.stopping, this.#o.cancelled.signal]),
      log: this.#o.log,
    }
  }

  /** The reason that was given with the cancel, or that there was one. */
  #whyCancelled(cause?: unknown): Error {
    const { reason } = this.#o.cancelled.signal
    return reason instanceof Fault ? reason : SagaCancelled({}, { cause })
  }

  #checkSignals(): void {
    if (this.#o.stopping.aborted) throw new Abandoned('the process stops')
    if (this.#o.cancelled.signal.aborted && !this.#isForwardOnly) throw this.#whyCancelled()
  }

  /** A step that fails while the process stops, or without its database, proves nothing: its journal stays as it is. */
  #rethrowIfAbandoned(error: unknown): void {
    if (error instanceof Abandoned) throw error
    if (this.#o.isOutage(error)) throw new Outage(error)
    if (this.#o.stopping.aborted) throw new Abandoned('the process stops')
  }

  /** Before the next try; ends early when something has come back, or when `early` says so. */
  async #rest(tries: number, early: readonly AbortSignal[]): Promise<void> {
    const { clock, stopping, poked } = this.#o
    const ms = Math.min(firstPauseMs * 2 ** (tries - 1), longestPauseMs)
    await pause(ms, clock, AbortSignal.any([stopping, poked(), ...early])).catch(() => undefined)
    if (stopping.aborted) throw new Abandoned('the process stops')
  }

  async #probe(path: string, phase: Parameters<Probe>[0]['phase']): Promise<void> {
    await this.#o.probe?.({ saga: this.#o.definition.name, path, phase })
  }
}
