import type { FormatName } from './formats.ts'
import type { Stepped } from './stepped.ts'
import { legacy, minor, minVersion, type Version, type VersionText } from './version.ts'

declare const types: unique symbol

/**
 * A shape with its history: what a field may hold, since when, until when.
 *
 * The four parameters exist for the compiler only: what a handler reads (In), what it returns (Out), whether it may be
 * missing in a request (Miss) and be left out of a reply (Omit). They are unions over all versions.
 */
export class Shape<In, Out = In, Miss extends boolean = false, Omit extends boolean = false> {
  declare readonly [types]: { in: In; out: Out; miss: Miss; omit: Omit }
  readonly steps: readonly Step[]

  constructor(steps: readonly Step[]) {
    this.steps = steps
  }

  optional(): Shape<In, Out, true, true> {
    return this.#map({ optional: true })
  }

  /** JSON null is allowed as well. */
  nullable(): Shape<In | null, Out | null, Miss, Omit> {
    return this.#map({ nullable: true })
  }

  /** Exists from this version on. A reply may give it always; it is shown where it exists. */
  since(version: VersionText): Shape<In, Out, true, Omit> {
    return new Shape([
      { at: legacy, form: undefined },
      ...this.steps.map(step => (step.at > minor(version) ? step : { ...step, at: minor(version) })),
    ])
  }

  /** Exists below this version. */
  until(version: VersionText): Shape<In, Out, true, Omit> {
    return new Shape([...this.steps, { at: minor(version), form: undefined }])
  }

  /** Is another shape from this version on. */
  from<I, O, M extends boolean, P extends boolean>(
    version: VersionText,
    wider: Shape<I, O, M, P>,
  ): Shape<In | I, Out | O, Miss | M, Omit | P> {
    return new Shape([...this.steps, { at: minor(version), form: wider }])
  }

  /** What the /v2 endpoint accepts instead. */
  legacy(other: Shape<In, unknown, boolean, boolean>): Shape<In, Out, Miss, Omit> {
    const [first, ...rest] = this.steps
    const current: Step[] = first === undefined ? [] : [{ ...first, at: Math.max(first.at, minVersion) }]
    return new Shape([{ at: legacy, form: other }, ...current, ...rest])
  }

  /**
   * A policy rule guards this field. In a request, sending it without the right is 403, checked right after the
   * operation's own rule; in a reply the field is left out.
   */
  requires(rule: string): Shape<In, Out, Miss, Omit> {
    return this.#map({ rule })
  }

  /** Query parameters only: the handler reads all values of a repeated parameter, not just the last. */
  many(): Shape<In[], Out, Miss, Omit> {
    return this.#map({ repeats: 'all' })
  }

  /** Query parameters only: giving it twice is a 400. */
  once(): Shape<In, Out, Miss, Omit> {
    return this.#map({ repeats: 'never' })
  }

  #map<I, O, M extends boolean, P extends boolean>(change: Partial<Form>): Shape<I, O, M, P> {
    return new Shape(
      this.steps.map(({ at, form }) => {
        if (form === undefined) return { at, form }
        if (form instanceof Shape) return { at, form: (form as AnyShape).#map(change) }
        return { at, form: { ...form, ...change } }
      }),
    )
  }
}

export type AnyShape = Shape<unknown, unknown, boolean, boolean>
export type Fields = Readonly<Record<string, AnyShape>>

export interface Step {
  readonly at: Version
  readonly form: Form | AnyShape | undefined
}

export interface Form {
  readonly kind: Kind
  readonly optional?: boolean
  readonly nullable?: boolean
  readonly rule?: string
  readonly repeats?: 'all' | 'never'
}

export type Rest = 'never' | 'any' | AnyShape | Stepped<'never' | 'any'>

export interface Bounds {
  readonly min?: number
  readonly max?: number
}

export interface TextRules extends Bounds {
  /** A regular expression as text, because it is quoted in error messages. */
  readonly pattern?: string
  readonly format?: FormatName
}

export interface ScalarKind extends TextRules {
  readonly kind: 'scalar'
  readonly types: readonly ('string' | 'integer' | 'number' | 'boolean' | 'null')[]
  readonly enum?: readonly (string | number | boolean | null)[]
  readonly low?: number
  readonly high?: number
  /** The value must be greater than this. */
  readonly above?: number
  readonly read?: 'number' | 'boolean'
}

export interface ObjectRules {
  readonly rest?: Rest
  readonly minKeys?: number
  readonly maxKeys?: number
}

/** What a shape can be, still holding shapes with history inside. */
export type Kind =
  | ScalarKind
  | { readonly kind: 'any' }
  | ({ readonly kind: 'list'; readonly items: AnyShape; readonly unique: boolean } & Bounds)
  | { readonly kind: 'tuple'; readonly items: readonly AnyShape[] }
  | ({
      readonly kind: 'object'
      readonly fields: Fields
      readonly patterns: Readonly<Record<string, AnyShape>>
    } & ObjectRules)
  | { readonly kind: 'some'; readonly how: 'anyOf' | 'oneOf' | 'allOf'; readonly of: readonly AnyShape[] }

export type In<S> = S extends Shape<infer I, infer _O, boolean, boolean> ? I : never
export type Out<S> = S extends { readonly [types]: { out: infer O } } ? O : never
type Missing<S> = S extends { readonly [types]: { miss: infer M } } ? (true extends M ? true : false) : false
type Omitted<S> = S extends { readonly [types]: { omit: infer M } } ? (true extends M ? true : false) : false

type Flat<T> = { [K in keyof T]: T[K] }

/** What a handler reads of an object. */
export type InOf<F> = Flat<
  { [K in keyof F as Missing<F[K]> extends true ? never : K]: In<F[K]> } & {
    [K in keyof F as Missing<F[K]> extends true ? K : never]?: In<F[K]>
  }
>

/** What a handler returns for an object. */
export type OutOf<F> = Flat<
  { readonly [K in keyof F as Omitted<F[K]> extends true ? never : K]: Out<F[K]> } & {
    readonly [K in keyof F as Omitted<F[K]> extends true ? K : never]?: Out<F[K]> | undefined
  }
>

export const shapeOf = <In, Out = In>(kind: Kind): Shape<In, Out> =>
  new Shape<In, Out>([{ at: legacy, form: { kind } }])
