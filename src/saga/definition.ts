import type { FaultRecord, Log } from '#base'

/** What a step gets besides its inputs and dependencies. */
export interface StepContext {
  readonly sagaId: string
  /** Idempotency key: the same for every run of this step of this saga. */
  readonly key: string
  /** Aborted when the saga is cancelled or the process stops. */
  readonly signal: AbortSignal
  readonly log: Log
}

export type Outcome =
  | { readonly status: 'done' }
  /** Everything is taken back; `failure` says why. */
  | { readonly status: 'undone'; readonly failure: FaultRecord }

export interface SettleContext {
  readonly sagaId: string
  readonly nowMs: number
}

type Outputs = Record<string, unknown>
type Run = (s: Outputs, deps: unknown, c: StepContext) => unknown

export interface PlainStep {
  readonly kind: 'step' | 'pivot'
  readonly name: string
  readonly run: Run
  readonly undo: Run | undefined
}

export interface AttemptStep {
  readonly kind: 'attempt'
  readonly name: string
  readonly items: (s: Outputs) => readonly unknown[]
  readonly child: AnyDefinition
  readonly mayTryNext: (failure: FaultRecord) => boolean
  readonly exhausted: (s: Outputs, failures: readonly FaultRecord[]) => Error
}

export type Step = PlainStep | AttemptStep

/**
 * What others are told at some moment of a saga. `event` and what `about` makes of the saga so far are given on as they are;
 * the engine only sees to it that they are told once, in the transaction that journals the moment.
 */
export interface Telling<S> {
  readonly event: string
  /** Undefined: this time there is nothing to tell. */
  readonly about?: (s: S, failure: FaultRecord | undefined) => object | undefined
  /** Only where that was told before: no end without a beginning. */
  readonly after?: string
}

/** One, or several in this order. */
export type Tellings<S> = Telling<S> | readonly Telling<S>[]

/**
 * The moments: before a step runs for the first time and after it is done; before and after it is taken back; and of the whole
 * `failed`, when it turns back, `done` and `undone` when it has ended. A child has no `done` and `undone`.
 */
export type Moments<Names extends string> =
  | `before ${Names}`
  | `after ${Names}`
  | `taking back ${Names}`
  | `taken back ${Names}`
  | 'failed'
  | 'done'
  | 'undone'

/** A finished definition as the engine sees it. */
export interface AnyDefinition {
  readonly tells: Readonly<Record<string, Tellings<Outputs> | undefined>>
  readonly name: string
  /** Nothing of it is ever taken back: removals, which must end however often they are tried. */
  readonly isForwardOnly: boolean
  readonly steps: readonly Step[]
  readonly settle: ((s: Outputs, outcome: Outcome, tx: unknown, at: SettleContext) => Promise<void>) | undefined
}

/** `Tx` is the transaction in which the saga's end is written. */
export interface Definition<Deps, Input, Tx> extends AnyDefinition {
  /** Never there at run time: carries the types. */
  readonly types?: { deps: Deps; input: Input; tx: Tx }
}

type With<Input, S> = S & { readonly input: Input }

/**
 * A saga under construction. `S` grows with each step, so a step can only read what was made before it, and a second
 * step of the same name does not compile.
 */
export class SagaBuilder<Deps, Input, Tx, S extends object> implements Definition<Deps, Input, Tx> {
  readonly name: string
  readonly isForwardOnly: boolean
  readonly steps: readonly Step[]
  readonly settle: AnyDefinition['settle']
  readonly tells: AnyDefinition['tells']

  constructor({ name, isForwardOnly, steps, settle, tells }: AnyDefinition) {
    this.name = name
    this.isForwardOnly = isForwardOnly
    this.steps = steps
    this.settle = settle
    this.tells = tells
  }

  /**
   * One thing made, and how to take it back. `undo` also runs for a step that failed or was interrupted, when its output
   * is not known: it finds what there is by the saga's and the instance's id.
   */
  step<N extends string, O>(
    name: N extends keyof S ? never : N,
    run: (s: With<Input, S>, deps: Deps, c: StepContext) => Promise<O> | O,
    undo?: (s: With<Input, S> & { readonly [K in N]?: O }, deps: Deps, c: StepContext) => Promise<void> | void,
  ): SagaBuilder<Deps, Input, Tx, S & { readonly [K in N]: O }> {
    return this.#with({ kind: 'step', name, run: run as Run, undo: undo as Run | undefined })
  }

  /**
   * After its success there is only forward: later failures are retried until they succeed. `undo` is for a pivot that
   * failed with an unclear outcome: it makes sure that nothing of it happened.
   */
  pivot<N extends string, O>(
    name: N extends keyof S ? never : N,
    run: (s: With<Input, S>, deps: Deps, c: StepContext) => Promise<O> | O,
    undo?: (s: With<Input, S> & { readonly [K in N]?: O }, deps: Deps, c: StepContext) => Promise<void> | void,
  ): SagaBuilder<Deps, Input, Tx, S & { readonly [K in N]: O }> {
    return this.#with({ kind: 'pivot', name, run: run as Run, undo: undo as Run | undefined })
  }

  /**
   * Runs the child saga with one item after the other until one succeeds; a failed child is unwound before the next
   * starts. `mayTryNext` false ends it at once. `items` is asked again after a restart: it may look at nothing but `s`.
   */
  attempt<N extends string, I>(
    name: N extends keyof S ? never : N,
    options: {
      readonly items: (s: With<Input, S>) => readonly I[]
      readonly child: Definition<Deps, I, Tx>
      readonly mayTryNext: (failure: FaultRecord) => boolean
      readonly exhausted: (s: With<Input, S>, failures: readonly FaultRecord[]) => Error
    },
  ): SagaBuilder<Deps, Input, Tx, S & { readonly [K in N]: { readonly index: number } }> {
    const { items, child, mayTryNext, exhausted } = options
    return this.#with({
      kind: 'attempt',
      name,
      items: items as AttemptStep['items'],
      child,
      mayTryNext,
      exhausted: exhausted as AttemptStep['exhausted'],
    })
  }

  /** Written in the transaction that ends the saga: what the outcome means for the rows. */
  settled(
    settle: (s: With<Input, Partial<S>>, outcome: Outcome, tx: Tx, at: SettleContext) => Promise<void>,
  ): SagaBuilder<Deps, Input, Tx, S> {
    return new SagaBuilder({ ...this, settle: settle as AnyDefinition['settle'] })
  }

  /** What others are told of it, by moment. */
  telling(
    tells: { readonly [M in Moments<keyof S & string>]?: Tellings<With<Input, Partial<S>>> },
  ): SagaBuilder<Deps, Input, Tx, S> {
    return new SagaBuilder({ ...this, tells: { ...this.tells, ...(tells as AnyDefinition['tells']) } })
  }

  #with<Next extends object>(step: Step): SagaBuilder<Deps, Input, Tx, Next> {
    return new SagaBuilder({ ...this, steps: [...this.steps, step] })
  }
}

/** Starts a definition. Names are `noun-verb`; a released saga never changes, a change is a new name (`x/2`). */
export const saga = <Deps, Input, Tx>(name: string): SagaBuilder<Deps, Input, Tx, object> =>
  new SagaBuilder({ name, isForwardOnly: false, steps: [], settle: undefined, tells: {} })

/** A saga without a way back: every failure is tried again until it succeeds, and nobody can cancel it. */
export const removal = <Deps, Input, Tx>(name: string): SagaBuilder<Deps, Input, Tx, object> =>
  new SagaBuilder({ name, isForwardOnly: true, steps: [], settle: undefined, tells: {} })

/** Names and kinds of all steps: the shape that a journal of this saga relies on. */
export const shapeOf = (definition: AnyDefinition): string =>
  definition.steps
    .map(step =>
      step.kind === 'attempt' ? `attempt ${step.name}(${shapeOf(step.child)})` : `${step.kind} ${step.name}`,
    )
    .join(', ')
