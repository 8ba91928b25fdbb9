import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SearchPattern } from './search-pattern.ts'

function search(pattern: string, text: string): boolean {
  const read = SearchPattern.read(pattern)
  if (typeof read === 'string') assert.fail(`${pattern} is ${read}`)
  return read.isIn(text)
}

const atoms = [
  'a',
  'b',
  '1',
  '-',
  '.',
  '[ab]',
  '[^a]',
  '[a-b1]',
  '\\d',
  '\\w',
  '\\W',
  '\\b',
  '^',
  '$',
  '\\.',
  '(?:)',
  '[\\d-]',
]
const { pattern } = fc.letrec<{ pattern: string; piece: string }>(tie => ({
  piece: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...atoms),
    fc
      .tuple(tie('piece'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{1,3}', '{0,2}?', '{2,}'))
      .map(([item, times]) => `(${item})${times}`),
    fc
      .tuple(fc.constantFrom('(?:', '(', '(?=', '(?!', '(?<=', '(?<!'), tie('pattern'))
      .map(([open, inner]) => `${open}${inner})`),
  ),
  pattern: fc.oneof(
    { depthSize: 'small' },
    fc.array(tie('piece'), { maxLength: 4 }).map(pieces => pieces.join('')),
    fc.tuple(tie('pattern'), tie('pattern')).map(choices => choices.join('|')),
  ),
}))

test('finds what a backtracking engine finds', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '1', '-', '.', 'é'), maxLength: 7 })
  fc.assert(
    fc.property(pattern, fc.array(texts, { minLength: 1, maxLength: 6 }), (source, subjects) => {
      const read = SearchPattern.read(source)
      if (read === 'unsearchable') return
      for (const text of subjects) {
        // An é is a letter to Python, not to JavaScript's \w.
        const isForeign = text.includes('é') && /\\[wWb]/.test(source)
        if (!isForeign) assert.equal(search(source, text), new RegExp(source, 'u').test(text), `/${source}/ in ${text}`)
      }
    }),
    { numRuns: 1000 },
  )
})

test('reads any text without falling over', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'a1-^$.*+?()[]{}|\\,:=!<>PiZbxu#\n'), maxLength: 30 }), source => {
      const read = SearchPattern.read(source)
      if (typeof read !== 'string') read.isIn('a1-b')
    }),
    { numRuns: 1000 },
  )
})

test("is Python's syntax", () => {
  for (const [source, text] of [
    ['(?i)ABC', 'xabcx'],
    ['(?P<name>web)-\\d+', 'web-12'],
    ['a(?i:B)c', 'abc'],
    ['\\Aweb\\Z', 'web'],
    ['web$', 'web\n'],
    ['(?s)a.b', 'a\nb'],
    ['(?m)^b', 'a\nb'],
    ['\\x41\\u0042', 'AB'],
    ['[]a]', ']'],
    ['a{,2}b', 'b'],
    ['a{b', 'a{b'],
    ['^(?!test).*prod', 'web-prod'],
    ['\\w', '名'],
    ['', 'anything'],
    ['a|', 'b'],
    ['(?#why)a', 'a'],
  ] as const) {
    assert.ok(search(source, text), `/${source}/ in ${JSON.stringify(text)}`)
  }
  for (const [source, text] of [
    ['abc', 'ABC'],
    ['^web$', 'web-1'],
    ['^(?!test)', ''],
    ['(?<!a)b', 'ab'],
  ] as const) {
    assert.equal(search(source, text), source === '^(?!test)', `/${source}/ in ${JSON.stringify(text)}`)
  }
})

test('says what is no pattern and what is not searched for', () => {
  for (const source of [
    '(',
    ')',
    '[a',
    '*',
    'a**',
    '\\',
    '\\q',
    'a{2,1}',
    '[b-a]',
    '(?P<1>a)',
    '(?<name>a)',
    '^*',
    'a(?i)b',
  ]) {
    assert.equal(SearchPattern.read(source), 'broken', source)
  }
  for (const source of ['(a)\\1', '(?P<a>x)(?P=a)', 'a++', '(?>a)', '(.{1000}){1000}', '('.repeat(5000), '(?x)a b']) {
    assert.equal(SearchPattern.read(source), 'unsearchable', source.slice(0, 40))
  }
})

test('patterns that explode elsewhere are done at once', { timeout: 60_000 }, () => {
  const text = `${'a'.repeat(255)}!`
  for (const source of [
    '(a+)+$',
    '(a|aa)+$',
    '(a*)*b',
    '(.*)(.*)(.*)(.*)(.*)x',
    '(a?){60}a{60}b',
    '(?=(a+)+b)a',
    '(){99999999999}x',
  ]) {
    assert.equal(search(source, text), false, source)
  }
})
