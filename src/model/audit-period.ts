/** A stretch of time that is over, in milliseconds since the epoch; the end belongs to the next one. */
export interface AuditPeriod {
  readonly beginMs: number
  readonly endMs: number
}

/** Unlike Date.UTC, which counts years below 100 from 1900. */
function utc(year: number, month: number, day: number, hour = 0): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  return date.setUTCHours(hour)
}

/**
 * The newest audit period that ended before a time. `unit` as `instance_usage_audit_period` has it: `hour`, `day`, `month` or
 * `year`, and after an @ the minute, hour, day or month at which periods begin.
 */
export function completedPeriod(unit: string, beforeMs: number): AuditPeriod {
  const [name = 'month', at] = unit.split('@', 2)
  const offset = Number(at ?? 0)
  const now = new Date(beforeMs)
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const boundary = (back: number): number => {
    if (name === 'month') return utc(year, month - back, offset === 0 ? 1 : offset)
    if (name === 'year') return utc(year - back, offset === 0 ? 0 : offset - 1, 1)
    if (name === 'day') return utc(year, month, day - back, offset)
    return utc(year, month, day, now.getUTCHours() - back) + offset * 60_000
  }
  // A boundary that is just now has not passed yet.
  const back = boundary(0) >= beforeMs ? 1 : 0
  return { beginMs: boundary(back + 1), endMs: boundary(back) }
}
