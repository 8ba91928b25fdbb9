/**
 * Typed faults: everything that may go wrong on purpose.
 *
 * A fault has a code (stable, for programs), a kind (what a caller may do about it), a public message in Nova's words,
 * and optionally an internal detail for the log. Anything thrown that is not a Fault is a bug: a 500 with a request id.
 */

/**
 * - `transient`: the same call may succeed later; retry with backoff.
 * - `conflict`: somebody else changed the thing; read again, then decide.
 * - `refused`: the request is understood and cannot be done as asked.
 * - `missing`: what the request names does not exist (or may not be seen).
 * - `final`: it failed and will fail again.
 */
export type FaultKind = 'transient' | 'conflict' | 'refused' | 'missing' | 'final'

export interface FaultOptions {
  /** For the log only; never shown to a user. */
  readonly detail?: string
  readonly cause?: unknown
}

export class Fault extends Error {
  readonly code: string
  readonly kind: FaultKind
  /** HTTP status where this fault reaches an API, unless the operation says otherwise. */
  readonly status: number
  readonly detail: string | undefined
  readonly params: Readonly<Record<string, unknown>>

  constructor(
    declaration: { code: string; kind: FaultKind; status: number },
    message: string,
    params: Readonly<Record<string, unknown>> = {},
    options: FaultOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = declaration.code
    this.code = declaration.code
    this.kind = declaration.kind
    this.status = declaration.status
    this.params = params
    this.detail = options.detail
  }
}

/** One declared fault: call it to make the error, `is` to recognise it (also after it crossed the bus). */
export interface FaultDeclaration<P> {
  (params: P, options?: FaultOptions): Fault
  readonly code: string
  readonly kind: FaultKind
  readonly status: number
  is(error: unknown): error is Fault
}

const defaultStatus: Record<FaultKind, number> = {
  transient: 503,
  conflict: 409,
  refused: 400,
  missing: 404,
  final: 500,
}

/**
 * Declares a fault. `message` builds the public text from the parameters.
 *
 *     const FlavorNotFound = declareFault('FlavorNotFound', 'missing', (p: { id: string }) => `Flavor ${p.id} could not be found.`)
 *     throw FlavorNotFound({ id })
 */
export function declareFault<P extends Record<string, unknown>>(
  code: string,
  kind: FaultKind,
  message: (params: P) => string,
  status: number = defaultStatus[kind],
): FaultDeclaration<P> {
  const declaration = { code, kind, status }
  const make = (params: P, options?: FaultOptions) => new Fault(declaration, message(params), params, options)
  return Object.assign(make, {
    code,
    kind,
    status,
    is: (error: unknown): error is Fault => error instanceof Fault && error.code === code,
  })
}

/** A fault as it travels over the bus or lies in a journal. */
export interface FaultRecord {
  readonly code: string
  readonly kind: FaultKind
  readonly status: number
  readonly message: string
  readonly params: Readonly<Record<string, unknown>>
  readonly detail?: string
}

/** Something threw that was not a declared fault. */
export const InternalError = declareFault(
  'InternalError',
  'final',
  (p: { message: string }) => `Unexpected error: ${p.message}`,
)

export function faultRecord(error: unknown): FaultRecord {
  const fault =
    error instanceof Fault
      ? error
      : InternalError(
          { message: error instanceof Error ? error.message : String(error) },
          { cause: error, ...(error instanceof Error && error.stack !== undefined ? { detail: error.stack } : {}) },
        )
  const { code, kind, status, message, params } = fault
  return { code, kind, status, message, params, ...(fault.detail === undefined ? {} : { detail: fault.detail }) }
}

export const faultFromRecord = (record: FaultRecord): Fault =>
  new Fault(record, record.message, record.params, record.detail === undefined ? {} : { detail: record.detail })
