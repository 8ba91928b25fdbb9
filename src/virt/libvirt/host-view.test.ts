import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readMemory } from './host-view.ts'

describe('host', () => {
  test('memory counts buffers and caches as free', () => {
    const meminfo =
      'MemTotal:       1048576 kB\nMemFree:         524288 kB\nBuffers:          65536 kB\nCached:          131072 kB\nSwapCached: 0 kB\n'
    assert.deepEqual(readMemory(meminfo), { memoryMiB: 1024, memoryUsedMiB: 320 })
  })
})
