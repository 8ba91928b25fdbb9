import assert from 'node:assert/strict'
import { test } from 'node:test'
import { growthOf } from '../../tools/soak/growth.ts'
import { parseSoakOptions } from '../../tools/soak/options.mjs'

test('what a process takes while it warms up is no growth, what it takes after that is', () => {
  const warm = Array.from({ length: 30 }, (_, n) => (n < 10 ? 80 + 5 * n : 130 + (n % 3)))
  assert.equal(growthOf(warm).isFlat, true)
  const leaking = Array.from({ length: 30 }, (_, n) => 100 + 3 * n)
  assert.equal(growthOf(leaking).isFlat, false)
})

test('the words of the soak', () => {
  assert.deepEqual(parseSoakOptions([]), { help: false, minutes: 10, workers: 8 })
  assert.throws(() => parseSoakOptions(['--minutes', '0']), /--minutes needs a whole number/)
  assert.throws(() => parseSoakOptions(['--forever']), /npm run test:soak -- --help/)
})
