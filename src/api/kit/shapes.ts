import {
  type AnyShape,
  type Bounds,
  type Fields,
  type In,
  type InOf,
  type ObjectRules,
  type Out,
  type OutOf,
  type Shape,
  shapeOf,
  type TextRules,
} from './shape.ts'

export const text = (rules: TextRules): Shape<string> => shapeOf({ kind: 'scalar', types: ['string'], ...rules })

export const str: Shape<string> = text({})

export const integer = (rules: { low?: number; high?: number } = {}): Shape<number> =>
  shapeOf({ kind: 'scalar', types: ['integer'], ...rules })

export const int: Shape<number> = integer()

/** A number, or digits in a string: Nova takes both, the handler reads a number. */
export const intLike = (
  rules: { low?: number; high?: number; pattern?: string; min?: number } = {},
): Shape<number, number> =>
  shapeOf({ kind: 'scalar', types: ['integer', 'string'], pattern: '^[0-9]+$', read: 'number', ...rules })

/** A string or a number as it stands: old clients send ids and values as numbers. */
export const textOrNumber = (rules: TextRules): Shape<string | number> =>
  shapeOf({ kind: 'scalar', types: ['string', 'number'], ...rules })

export const num: Shape<number> = shapeOf({ kind: 'scalar', types: ['number'] })

export const numLike = (rules: { low?: number; high?: number; above?: number; pattern: string }): Shape<number> =>
  shapeOf({ kind: 'scalar', types: ['number', 'string'], read: 'number', ...rules })

const truthy = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes']
const falsy = [false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no']

/** true, false, or one of the many words Nova takes for them; the handler reads a boolean. */
export const bool: Shape<boolean> = shapeOf({
  kind: 'scalar',
  types: ['boolean', 'string'],
  enum: [...truthy, ...falsy],
  read: 'boolean',
})

/** JSON true or false only. */
export const strictBool: Shape<boolean> = shapeOf({ kind: 'scalar', types: ['boolean'] })

export const nil: Shape<null> = shapeOf({ kind: 'scalar', types: ['null'] })

/** Any JSON value. */
export const anything: Shape<unknown> = shapeOf({ kind: 'any' })

/** One of these values. Strings only: the type is checked (and worded) first, as Nova does. */
export const oneOf = <const L extends readonly (string | number | boolean | null)[]>(...values: L): Shape<L[number]> =>
  shapeOf({ kind: 'scalar', types: values.every(v => typeof v === 'string') ? ['string'] : [], enum: values })

/** `list(tag, 50)` is at most 50. */
export const list = <S extends AnyShape>(
  items: S,
  bounds: number | (Bounds & { unique?: boolean }) = {},
): Shape<In<S>[], readonly Out<S>[]> =>
  shapeOf({ kind: 'list', items, unique: false, ...(typeof bounds === 'number' ? { max: bounds } : bounds) })

export const tuple = <const L extends readonly AnyShape[]>(
  ...items: L
): Shape<{ [K in keyof L]: In<L[K]> }, { [K in keyof L]: Out<L[K]> }> => shapeOf({ kind: 'tuple', items })

/** An object with these fields and, by default, no others. */
export const obj = <const F extends Fields>(fields: F, rules: ObjectRules = {}): Shape<InOf<F>, OutOf<F>> =>
  shapeOf({ kind: 'object', fields, patterns: {}, ...rules })

/** An object whose keys match patterns: metadata, extra specs, addresses. */
export const keyed = <S extends AnyShape>(
  patterns: Readonly<Record<string, S>>,
  rules: ObjectRules = {},
): Shape<Record<string, In<S>>, Readonly<Record<string, Out<S>>>> =>
  shapeOf({ kind: 'object', fields: {}, patterns, ...rules })

/** Fields that are known and keys that match patterns. */
export const mixed = <const F extends Fields>(
  fields: F,
  patterns: Readonly<Record<string, AnyShape>>,
  rules: ObjectRules = {},
): Shape<InOf<F> & Record<string, unknown>, OutOf<F> & Readonly<Record<string, unknown>>> =>
  shapeOf({ kind: 'object', fields, patterns, ...rules })

/** At least one of them fits. */
export const either = <const L extends readonly AnyShape[]>(...of: L): Shape<In<L[number]>, Out<L[number]>> =>
  shapeOf({ kind: 'some', how: 'anyOf', of })

/** Exactly one of them fits. */
export const exactlyOne = <const L extends readonly AnyShape[]>(...of: L): Shape<In<L[number]>, Out<L[number]>> =>
  shapeOf({ kind: 'some', how: 'oneOf', of })

/** All of them fit; the first gives the type. */
export const both = <S extends AnyShape>(first: S, ...more: AnyShape[]): Shape<In<S>, Out<S>> =>
  shapeOf({ kind: 'some', how: 'allOf', of: [first, ...more] })
