import { declareFault } from '#base'
import { type AnyShape, type Fields, type InOf, type Rest, Shape, shapeOf } from './shape.ts'
import { list } from './shapes.ts'
import type { Span } from './stepped.ts'
import { legacy } from './version.ts'

export const QueryEncoding = declareFault('ValidationError', 'refused', () => 'Query string is not UTF-8 encoded')

/** Every value of every parameter, in the order of the URL. */
export type RawQuery = Readonly<Record<string, readonly string[]>>

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw QueryEncoding({}, { cause: error })
  }
}

export const noQuery: RawQuery = Object.freeze(Object.create(null) as Record<string, string[]>)

export function parseQuery(text: string): RawQuery {
  if (text === '') return noQuery
  const query = Object.create(null) as Record<string, string[]>
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = decode(at < 0 ? pair : pair.slice(0, at))
    const value = at < 0 ? '' : decode(pair.slice(at + 1))
    const values = query[name]
    if (values === undefined) query[name] = [value]
    else values.push(value)
  }
  return query
}

export interface QueryShape<F extends Fields = Fields> {
  readonly fields: F
  /** Parameters of which the handler reads every value. */
  readonly lists: ReadonlySet<string>
  /** The wire shape: each parameter is a list of strings. */
  readonly shape: AnyShape
}

export interface QueryRules {
  /** Since when an unknown parameter is a 400; by default it is ignored for ever. */
  readonly strict?: Span
  /** Parameters known by pattern only; the handler finds them in `rawQuery`. */
  readonly patterns?: Readonly<Record<string, AnyShape>>
}

/**
 * Query parameters by name. A parameter may be repeated; the handler reads the last value, or all of a `.many()`.
 */
export function query<const F extends Fields>(fields: F, rules: QueryRules = {}): QueryShape<F> {
  const wire: Record<string, AnyShape> = {}
  const lists = new Set<string>()
  for (const [name, shape] of Object.entries(fields)) {
    wire[name] = eachAsList(shape)
    if (repeats(shape)) lists.add(name)
  }
  const patterns: Record<string, AnyShape> = {}
  for (const [pattern, shape] of Object.entries(rules.patterns ?? {})) patterns[pattern] = eachAsList(shape)
  const rest: Rest = rules.strict?.map(on => (on ? 'never' : 'any')) ?? 'any'
  return { fields, lists, shape: shapeOf({ kind: 'object', fields: wire, patterns, rest }) }
}

const repeats = (shape: AnyShape): boolean =>
  shape.steps.some(({ form }) => (form instanceof Shape ? repeats(form) : form?.repeats === 'all'))

/** Each step of a parameter's history becomes a list of that step. */
function eachAsList(shape: AnyShape): AnyShape {
  return new Shape(
    shape.steps.map(({ at, form }) => {
      if (form === undefined) return { at, form }
      if (form instanceof Shape) return { at, form: eachAsList(form) }
      const values = list(new Shape([{ at: legacy, form }]), form.repeats === 'never' ? 1 : {})
      return { at, form: form.optional === true ? values.optional() : values }
    }),
  )
}

/** What the handler reads: the last value, or all of them. */
export function queryValues(
  wire: Record<string, unknown>,
  names: readonly string[],
  lists: ReadonlySet<string>,
): unknown {
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const all = wire[name]
    if (Array.isArray(all)) values[name] = lists.has(name) ? all : all.at(-1)
  }
  return values
}

export type QueryIn<F> = InOf<F>
