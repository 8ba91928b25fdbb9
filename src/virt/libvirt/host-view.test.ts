import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readMemory, uptimeText } from './host-view.ts'

describe('host', () => {
  test('memory counts buffers and caches as free', () => {
    const meminfo =
      'MemTotal:       1048576 kB\nMemFree:         524288 kB\nBuffers:          65536 kB\nCached:          131072 kB\nSwapCached: 0 kB\n'
    assert.deepEqual(readMemory(meminfo), { memoryMiB: 1024, memoryUsedMiB: 320 })
  })

  test('uptime reads as the program prints it', () => {
    const noon = new Date(2026, 0, 1, 12, 0, 0).getTime()
    assert.equal(
      uptimeText(noon, 45 * 60, [0.912, 1, 2]),
      ' 12:00:00 up 45 min,  0 users,  load average: 0.91, 1.00, 2.00',
    )
    assert.match(uptimeText(noon, 3 * 86_400 + 3700, [0, 0, 0]), /up 3 days, 1:01,/)
  })
})
