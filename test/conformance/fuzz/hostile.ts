import * as fc from 'fast-check'
import type { Json } from '../../api/harness.ts'

/** Values that programs stumble over. */
const long = 'x'.repeat(70_000)
const numbers = [
  '1e400',
  '-1e400',
  '-0',
  '9223372036854775808',
  '9223372036854775807',
  '2147483648',
  '-1',
  '0',
  '0.1',
  '1e-400',
]
const words = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\uD800',
  '\uDFFFa',
  '\u202Ea',
  '😀'.repeat(64),
  'é',
  'x'.repeat(255),
  'x'.repeat(256),
  long,
  '%00',
  '%',
  '../..',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  'Infinity',
  "' OR 1=1 --",
  '"',
  '\\',
  '(a+)+$',
  '(',
  '[',
  '*',
  '10.0.0.1/33',
  'fe80::1%eth0',
  '0000-00-00T00:00:00',
  '9999-99-99',
  '275760-09-14T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '2026-01-01T00:00:00+99:99',
  'b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11',
  '١',
  '1_000',
  '0x10',
  ' 1',
]
/** JSON text of a value, so that numbers that JavaScript cannot hold can be sent. */
const leafTexts = [
  ...numbers,
  ...words.map(word => JSON.stringify(word)),
  'null',
  'true',
  'false',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":{"a":1}}}',
  '{"":""}',
  `[${'0,'.repeat(2000)}0]`,
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
]
const leaf = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...leafTexts) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map(text => JSON.stringify(text)) },
)

/** The whole body is no JSON, or not what anybody would call a body. */
export const wholeBodies: fc.Arbitrary<string | Buffer> = fc.oneof(
  leaf,
  fc.constantFrom<string | Buffer>(
    '',
    '{',
    'null',
    '"text"',
    '{"a":1,}',
    "{'a':1}",
    '\uFEFF{}',
    '{"a":1}{"b":2}',
    'NaN',
    '<xml/>',
    'a=b&c=d',
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.concat([
      Buffer.from('{"server":{"name":"'),
      Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80]),
      Buffer.from('"}}'),
    ]),
    Buffer.alloc(2000),
    '['.repeat(100_000),
    `{"server":{"name":"${'x'.repeat(114_688 - 24)}"}}`,
    `{"server":{"name":"${'x'.repeat(114_688 - 22)}"}}`,
    `{"server":{"name":"${'x'.repeat(200_000)}"}}`,
  ),
)

/** Every place of a value, as a path of keys. */
const placesOf = (value: Json): (string | number)[][] =>
  typeof value !== 'object' || value === null
    ? [[]]
    : [[], ...Object.entries<Json>(value).flatMap(([key, inner]) => placesOf(inner).map(rest => [key, ...rest]))]

const mark = 'the place of the hostile value'

function replaced(value: Json, [key, ...rest]: readonly (string | number)[]): Json {
  if (key === undefined) return mark
  const copy = Array.isArray(value) ? [...value] : { ...value }
  copy[key] = replaced(value[key], rest)
  return copy
}

const foreignKeys = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  '\u0000',
  'a'.repeat(300),
  '😀',
  'id',
  'name',
]

/** A good body with one thing in it gone bad: a value, a key too many, a key twice. */
export const spoiled = (good: Json): fc.Arbitrary<string> => {
  const places = placesOf(good)
  const value = fc
    .tuple(fc.constantFrom(...places), leaf)
    .map(([place, text]) => JSON.stringify(replaced(good, place)).replace(JSON.stringify(mark), () => text))
  const key = fc
    .tuple(fc.constantFrom(...places), fc.constantFrom(...foreignKeys), leaf)
    .map(([place, name, text]) =>
      JSON.stringify(replaced(good, place)).replace(JSON.stringify(mark), () => `{${JSON.stringify(name)}:${text}}`),
    )
  const more = fc.tuple(fc.constantFrom(...foreignKeys), leaf, fc.nat()).map(([name, text, at]) => {
    const whole = JSON.stringify(good) ?? 'null'
    const opens = [...whole.matchAll(/\{(?=")/g)].map(found => found.index + 1)
    const where = opens[at % Math.max(opens.length, 1)]
    return where === undefined ? text : `${whole.slice(0, where)}${JSON.stringify(name)}:${text},${whole.slice(where)}`
  })
  const twice = fc.tuple(fc.nat(), leaf).map(([at, text]) => {
    const whole = JSON.stringify(good) ?? 'null'
    const keys = [...whole.matchAll(/"[^"]*":/g)]
    const found = keys[at % Math.max(keys.length, 1)]
    return found === undefined ? text : `${whole.slice(0, found.index)}${found[0]}${text},${whole.slice(found.index)}`
  })
  return fc.oneof({ weight: 6, arbitrary: value }, key, more, twice)
}

const escaped = (text: string): string => encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+')

/** Query values, escaped or broken on purpose. */
const queryValue = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...[...numbers, ...words].filter(word => word !== long).map(escaped),
      'x'.repeat(4000),
      '%',
      '%zz',
      '%C3%28',
      '%ED%A0%80',
      '%FF',
      '%00',
      '1&limit=2',
      '=',
      'in:a,b',
      'in:',
      '__proto__',
      Array.from({ length: 1500 }, (_, i) => `t${i}`).join(','),
      '(a%2B)%2B%24',
      '(a%7Caa)%2B%24',
      '(.*)*.*.*.*x',
      '%5E(%5Cw%2B%5Cs%3F)*%24',
      '(x%2Bx%2B)%2By',
      '.%7B1000%7D.%7B1000%7D.%7B1000%7D',
      '(%3F%3Da)b',
      '%5Cd%2B',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }).map(escaped) },
)
const strangeNames = ['__proto__', 'constructor', '', '%00', 'a%5B%5D', 'limit%5B%5D', '_x', '%ED%A0%80', 'toString']
const usual = ['limit', 'marker', 'sort_key', 'sort_dir', 'offset', 'changes-since', 'all_tenants', 'name', 'deleted']

/** With the question mark: known and unknown parameters, repeated now and then. */
export const queryStrings = (known: readonly string[]): fc.Arbitrary<string> => {
  const name = fc.oneof(
    ...(known.length === 0 ? [] : [{ weight: 12, arbitrary: fc.constantFrom(...known.map(escaped)) }]),
    { weight: 2, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...strangeNames) },
  )
  const pair = fc.tuple(name, queryValue).map(([key, value]) => `${key}=${value}`)
  const pairs = fc.array(pair, { minLength: 1, maxLength: 3 }).map(list => `?${list.join('&')}`)
  // As often as a URL has room for it.
  const repeated = fc
    .tuple(name, fc.constantFrom('1', 'uuid', 'asc', 'a', ''))
    .map(([key, value]) => `${key}=${value}&`)
    .map(text => `?${text.repeat(Math.floor(12_000 / text.length))}`)
  return fc.oneof(
    { weight: 12, arbitrary: pairs },
    { weight: 2, arbitrary: repeated },
    { weight: 1, arbitrary: fc.constantFrom('?', '?&&&', '?=', `?${'a=b&'.repeat(2500)}`, '?limit', '??') },
  )
}

/** One word of a path, as it goes over the wire. */
export const pathWords: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '',
      '.',
      '..',
      '%2e%2e',
      '%2F',
      'a%2Fb',
      '%00',
      '%ED%A0%80',
      '%FF',
      '%',
      '%zz',
      'x'.repeat(300),
      'x'.repeat(10_000),
      '0',
      '-1',
      '1e400',
      '99999999999999999999',
      '%F0%9F%98%80',
      'é'.normalize('NFD').replace(/[^ -~]/g, encodeURIComponent),
      '__proto__',
      'constructor',
      'detail',
      'action',
      ';a=b',
      'null',
      'undefined',
      'b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11',
      'B7B0A5A43C334B3A9F5F3A1A1F6E9A11',
      '%7Bb7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11%7D',
      "'%20OR%201=1",
      '1.json',
      '%0d%0aX-A:%20b',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map(text => encodeURIComponent(text.toWellFormed())),
  },
)

const pick = (name: string, ...values: readonly string[]): fc.Arbitrary<Record<string, string>> =>
  fc.constantFrom(...values).map(value => ({ [name]: value }))

/** Headers over those of a good request. */
export const headerSets: fc.Arbitrary<Record<string, string>> = fc.oneof(
  pick(
    'openstack-api-version',
    'compute',
    'compute latest',
    'compute 2.9999',
    'compute 1.0',
    'compute 2.1.1',
    'compute -2.1',
    'compute 2.01',
    'volume 3.70',
    'volume 3.70, compute 2.90',
    'compute 2.1, compute 2.90',
    ' , ,,',
    'compute 2.99999999999999999999',
    'é',
    'x'.repeat(6000),
  ),
  pick('x-openstack-nova-api-version', '2.1', 'latest', '3.0', '', 'x', '2.999', '__proto__'),
  pick(
    'content-type',
    'text/xml',
    'application/json; charset=utf-16',
    'application/json;',
    '',
    'x'.repeat(2000),
    '/',
    'é',
  ),
  pick('accept', 'text/html', 'application/xml', '*/*;q=0', '', ',,;;', 'x'.repeat(4000), 'application/json;version=9'),
  pick('x-forwarded-host', 'evil.example', '[', 'a,b', '\u00ff'),
  pick('x-forwarded-proto', 'javascript', 'https', ''),
  pick('x-forwarded-for', '1.2.3.4', 'x', '::1, 1'),
  pick('host', 'evil.example', '[', 'a b', 'x'.repeat(3000)),
  pick('x-auth-token', '', 'x', 'x'.repeat(6000), '\u00e9', '__proto__', 'null', '../..'),
  pick('x-service-token', '', 'x', 'x'.repeat(6000)),
  pick('x-openstack-request-id', 'x', 'req-', '\u00e9', 'req-b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11'),
  pick('x-roles', 'admin'),
  pick('x-http-method-override', 'DELETE'),
  pick('expect', '100-continue'),
  pick('range', 'bytes=0-1'),
  pick('if-none-match', '*'),
  pick('content-encoding', 'gzip', 'identity', 'x'),
)

export const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND')
