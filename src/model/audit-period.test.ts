import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completedPeriod } from './audit-period.ts'

const text = (ms: number): string => new Date(ms).toISOString().slice(0, 16)
const cases: readonly (readonly [string, string, string, string])[] = [
  ['month', '2026-03-15T12:30', '2026-02-01T00:00', '2026-03-01T00:00'],
  ['month', '2026-03-01T00:00', '2026-01-01T00:00', '2026-02-01T00:00'],
  ['month', '2026-01-20T00:00', '2025-12-01T00:00', '2026-01-01T00:00'],
  ['month@15', '2026-01-10T00:00', '2025-11-15T00:00', '2025-12-15T00:00'],
  ['year', '2026-05-01T00:00', '2025-01-01T00:00', '2026-01-01T00:00'],
  ['year@6', '2026-05-01T00:00', '2024-06-01T00:00', '2025-06-01T00:00'],
  ['day', '2026-03-01T12:00', '2026-02-28T00:00', '2026-03-01T00:00'],
  ['day@18', '2026-03-01T12:00', '2026-02-27T18:00', '2026-02-28T18:00'],
  ['hour', '2026-01-01T00:10', '2025-12-31T23:00', '2026-01-01T00:00'],
  ['hour@20', '2026-01-01T00:10', '2025-12-31T22:20', '2025-12-31T23:20'],
]
for (const [unit, before, begin, end] of cases) {
  test(`${unit} before ${before}`, () => {
    const found = completedPeriod(unit, Date.parse(`${before}Z`))
    assert.deepEqual([text(found.beginMs), text(found.endMs)], [begin, end])
  })
}
