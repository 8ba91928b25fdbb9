import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bestFirst } from './best-first.ts'

test('the order is that of a stable sort by falling weight', () => {
  const weights = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true })), { maxLength: 200 })
  fc.assert(
    fc.property(weights, list => {
      const sorted = list.map((_, place) => place).sort((a, b) => (list[b] ?? 0) - (list[a] ?? 0) || a - b)
      assert.deepEqual([...bestFirst(Float64Array.from(list))], sorted)
    }),
  )
})
