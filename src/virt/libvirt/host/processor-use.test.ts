import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProcessorUse } from './processor-use.ts'

const ms = 1e6

test('how busy processors were since the last look, or since the start', () => {
  const use = new ProcessorUse()
  const look = (atMs: number, uptimeMs: number | null, ...times: number[]) => use.shares('a', { atMs, uptimeMs, times })
  assert.deepEqual(look(10_000, 4000, 1000 * ms, 4000 * ms), [25, 100])
  assert.deepEqual(look(11_000, 5000, 1500 * ms, 4000 * ms), [50, 0])
  // Started anew meanwhile.
  assert.deepEqual(look(21_000, 1000, 100 * ms, 4000 * ms), [10, 0])
  assert.deepEqual(use.shares('b', { atMs: 0, uptimeMs: null, times: [1] }), [null])
})
