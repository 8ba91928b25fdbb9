/**
 * The words in which payloads are declared: `string`, `integer`, `float`, `boolean`, `datetime` (`2012-10-29T13:42:11Z`),
 * `strings` (a list), `dict` (of strings), `integers` (a dict of integers), `specs` (a list of dicts), `set` (of
 * integers), `values` (anything that JSON has), `object X`, `objects X` (a list). A `?` at the end: may be null.
 */
export type Plain =
  | 'string'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'datetime'
  | 'strings'
  | 'dict'
  | 'lists'
  | 'integers'
  | 'specs'
  | 'set'
export type Field = Plain | `${Plain}?` | `object ${string}` | `objects ${string}`
export type Fields = Readonly<Record<string, Field>>

export interface Declaration {
  readonly version: string
  readonly fields: Fields
  /** Fields that are left out where nothing is known, instead of null. */
  readonly isSparse?: true
}

export const payload = <const F extends Fields>(version: string, fields: F) => ({ version, fields }) as const
