import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readVersionPredicate, versionText } from './version-predicate.ts'

test('a version number is written with dots', () => {
  assert.equal(versionText(9_002_000), '9.2.0')
  assert.equal(versionText(7_001_123), '7.1.123')
  assert.equal(versionText(0), '0')
})

const rows: readonly [predicate: string, version: number, holds: boolean][] = [
  ['>=6.0', 6_000_000, true],
  ['>=6.0', 5_999_999, false],
  ['>=6.0,<7', 6_002_001, true],
  ['>=6.0,<7', 7_000_000, false],
  ['==9.2', 9_002_000, true],
  ['!=9.2', 9_002_000, false],
  ['> 9.2, <= 9.10', 9_010_000, true],
]

for (const [predicate, version, holds] of rows) {
  test(`${versionText(version)} ${holds ? 'is' : 'is not'} ${predicate}`, () => {
    assert.equal(readVersionPredicate(predicate)?.(version), holds)
  })
}

test('anything else is no predicate', () => {
  for (const text of ['', 'new', '=>6', '>=6.x']) assert.equal(readVersionPredicate(text), undefined)
})
