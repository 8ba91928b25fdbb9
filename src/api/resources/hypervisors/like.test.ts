import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isLike } from './like.ts'

test('LIKE as a regular expression would have it', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'B', '-', '.'), maxLength: 8 })
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '%', '_'), maxLength: 6 })
  const asRegex = (pattern: string) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('_', '.').replaceAll('%', '.*')}$`, 'i')
  fc.assert(
    fc.property(letters, patterns, (text, pattern) => {
      assert.equal(isLike(text, pattern), asRegex(pattern).test(text))
    }),
  )
})

test('many wildcards end soon', () => {
  assert.equal(isLike('a'.repeat(255), `${'%a'.repeat(100)}%b`), false)
})
