/**
 * Reads the short notation of `reference/api-schemas.json`: an independent idea of what Nova accepts, to hold ours against.
 *
 * An object is a shape per key (`name!` is required, `~regex` a pattern of keys, `*` what other keys hold), an array is
 * `[shape]`, a scalar is text like `int|str(len 1..)(val 0..) /^[0-9]*$/` or `str(len 1..255):name`.
 */

export type Notation = string | readonly [Notation] | { readonly [key: string]: unknown }

export interface ScalarNotation {
  readonly types: readonly string[]
  readonly length: readonly [number, number] | undefined
  readonly low: number | undefined
  readonly high: number | undefined
  readonly above: number | undefined
  readonly pattern: string | undefined
  readonly format: string | undefined
}

const scalarForm = /^([a-z|]+)((?:\((?:len|val) [^)]*\))*)(?::([a-z0-9_-]+))?(?: \/(.*)\/)?(?: @(\w+))?$/

const bound = (text: string): number | undefined => (text === '' ? undefined : Number(text))

/** `boolish` and `any` stay words; everything else is types with limits. */
export function readScalar(text: string): ScalarNotation {
  const [, types = '', limits = '', format, pattern, named] = scalarForm.exec(text) ?? []
  if (types === '') throw new Error(`not in the notation: ${text}`)
  let length: [number, number] | undefined
  let [low, high, above]: (number | undefined)[] = []
  for (const [, kind, range = ''] of limits.matchAll(/\((len|val) ([^)]*)\)/g)) {
    if (range.startsWith('>')) above = Number(range.slice(1))
    else {
      const [from = '', to = ''] = range.split('..')
      if (kind === 'len') length = [bound(from) ?? 0, bound(to) ?? Number.POSITIVE_INFINITY]
      else [low, high] = [bound(from), bound(to)]
    }
  }
  return { types: types.split('|'), length, low, high, above, pattern, format: format ?? named }
}

export interface ObjectNotation {
  readonly fields: readonly { readonly name: string; readonly shape: Notation; readonly isRequired: boolean }[]
  readonly patterns: readonly (readonly [string, Notation])[]
  /** What keys hold that are not named: `never`, `any`, or a shape. */
  readonly rest: Notation
  readonly minKeys: number
  readonly maxKeys: number
}

export function readObject(shape: { readonly [key: string]: unknown }): ObjectNotation {
  const entries = Object.entries(shape) as [string, Notation][]
  const isField = (key: string) => key !== '*' && !key.startsWith('~') && !key.startsWith('#')
  return {
    fields: entries
      .filter(([key]) => isField(key))
      .map(([key, inner]) => ({ name: key.replace(/!$/, ''), shape: inner, isRequired: key.endsWith('!') })),
    patterns: entries.filter(([key]) => key.startsWith('~')).map(([key, inner]) => [key.slice(1), inner] as const),
    rest: (shape['*'] as Notation | undefined) ?? 'any',
    minKeys: Number(shape['#minProperties'] ?? 0),
    maxKeys: Number(shape['#maxProperties'] ?? Number.POSITIVE_INFINITY),
  }
}

const trueWords = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes']
const falseWords = [false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no']
export const boolish: readonly unknown[] = [...trueWords, ...falseWords]

/** Values of each format: clear cases on both sides, so that no reader of a format's small print is needed. */
export const formatSamples: Readonly<
  Record<string, { readonly good: readonly string[]; readonly bad: readonly string[] }>
> = {
  uuid: {
    good: [
      'b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11',
      'B7B0A5A4-3C33-4B3A-9F5F-3A1A1F6E9A11',
      'b7b0a5a43c334b3a9f5f3a1a1f6e9a11',
      '{b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11}',
    ],
    bad: ['', 'x', '1', 'b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a1', 'g7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11'],
  },
  name: { good: ['a', 'a b', 'ä', 'a:b', '名前'], bad: [' a', 'a ', ' ', 'a\u0007', 'a\u2028b', '\ta'] },
  name_with_leading_trailing_spaces: { good: [' a', 'a ', 'a b'], bad: [' ', 'a\u0007', 'a\nb'] },
  az_name: { good: ['a', 'a b'], bad: ['a:b', ' a', 'a ', ' '] },
  az_name_with_leading_trailing_spaces: { good: [' a ', 'a'], bad: ['a:b', '  '] },
  printable: { good: ['', ' ', 'a b', 'ä'], bad: ['a\u0000', 'a\nb', '\u2029'] },
  'date-time': {
    good: ['2026-11-27T20:51:00Z', '2026-11-27T20:51:00.000001', '2026-11-27 20:51:00', '2026-11-27T20:51:00+01:00'],
    bad: ['', 'yesterday', '2026-13-01T00:00:00Z', '27.11.2026'],
  },
  base64: { good: ['', 'YQ==', 'YWJj'], bad: ['YQ', 'Y', 'YWJ'] },
  regex: { good: ['a', '.*', '^a$', 'a|b'], bad: ['', '(', '[a', '*'] },
  cidr: { good: ['10.0.0.0/24', 'fe80::/64'], bad: ['', '10.0.0.0', '10.0.0.0/33', 'x/24'] },
  uri: { good: ['http://a/b', 'https://a:1'], bad: ['', 'a', '/a'] },
  url: { good: ['http://a/b', 'https://a:1'], bad: [] },
  ipv4: { good: ['10.0.0.1', '0.0.0.0'], bad: ['', '10.0.0', '256.1.1.1', 'fe80::1', 'a'] },
  ipv6: { good: ['fe80::1', '::'], bad: ['', '10.0.0.1', 'fe80:::1', 'a'] },
}

/** True, false, or undefined where the value is none of the known samples. */
export function fitsFormat(format: string, value: string): boolean | undefined {
  const samples = formatSamples[format]
  if (samples === undefined) throw new Error(`unknown format ${format}`)
  if (samples.good.includes(value)) return true
  return samples.bad.includes(value) ? false : undefined
}
