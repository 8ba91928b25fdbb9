import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uptimeText } from './uptime-text.ts'

test('uptime reads as the program prints it', () => {
  const noon = new Date(2026, 0, 1, 12, 0, 0).getTime()
  assert.equal(
    uptimeText(noon, 45 * 60, [0.912, 1, 2]),
    ' 12:00:00 up 45 min,  0 users,  load average: 0.91, 1.00, 2.00',
  )
  assert.match(uptimeText(noon, 3 * 86_400 + 3700, [0, 0, 0]), /up 3 days, 1:01,/)
})
