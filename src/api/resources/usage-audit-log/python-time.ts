// strptime's `%Y-%m-%d %H:%M:%S` and the same with `.%f`: fields may lack leading zeros, blanks may be many.
const form = /^(\d{4})-(\d{1,2})-(\d{1,2})\s+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?$/

/** `2026-01-31 12:00:00`, with or without a fraction, in milliseconds; undefined when it is no such time. */
export function parsePythonTime(text: string): number | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const date = new Date(Date.UTC(2000, 0, 1, hour, minute, second))
  date.setUTCFullYear(year, month - 1, day)
  const isReal = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!isReal || hour > 23 || minute > 59 || second > 59) return undefined
  return date.getTime() + Math.floor(Number(`0.${match[7] ?? 0}`) * 1000)
}

/** As Python prints a datetime: without a fraction when it is zero. */
export function pythonTime(ms: number): string {
  const [seconds = '', fraction = ''] = new Date(ms).toISOString().replace('T', ' ').slice(0, -1).split('.')
  return Number(fraction) === 0 ? seconds : `${seconds}.${fraction}000`
}
