import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesExtraSpec } from './extra-spec-match.ts'

const rows: readonly [value: string, required: string, matches: boolean][] = [
  ['1', '1', true],
  ['1', '', false],
  ['', '', true],
  ['123', '= 123', true],
  ['124', '= 123', true],
  ['122', '= 123', false],
  ['123', '== 123', true],
  ['124', '== 123', false],
  ['124', '!= 123', true],
  ['3', '<= 4', true],
  ['5', '<= 4', false],
  ['9', '>= 10', false],
  ['many', '>= 10', false],
  ['abc', 's== abc', true],
  ['abc', 's!= abc', false],
  ['b', 's> a', true],
  ['a', 's< a', false],
  ['a', 's<= a', true],
  ['10', 's>= 9', false],
  ['12311321', '<in> 11', true],
  ['12310321', '<in> 11', false],
  ["['aes', 'mmx']", '<all-in> aes mmx', true],
  ["['aes']", '<all-in> aes mmx', false],
  ['12', '<or> 11 <or> 12', true],
  ['13', '<or> 11 <or> 12', false],
  ['<or>', '<or> 11 <or> 12', false],
  ['a b', 'a b', true],
  ['1', '>=', false],
  ['1', '<all-in>', false],
]

for (const [value, required, matches] of rows) {
  test(`'${value}' ${matches ? 'satisfies' : 'does not satisfy'} '${required}'`, () => {
    assert.equal(matchesExtraSpec(value, required), matches)
  })
}
