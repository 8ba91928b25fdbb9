import { declareFault } from '#base'

export const BadPeriod = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)

/** Microseconds since the epoch: times are repeated in answers as they were given. */
export interface Period {
  readonly startMicros: number
  readonly stopMicros: number
}

const microsPerSecond = 1_000_000

// strptime of Nova's three forms: fields may lack leading zeros; a blank instead of the T needs a fraction.
const form =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?| (\d{1,2}):(\d{1,2}):(\d{1,2})\.(\d{1,6}))$/

/** `2026-01-31T12:00:00`, with a fraction if need be, or the same with a blank and a fraction. */
export function parseMicros(text: string): number | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, year, month, day, ...rest] = match
  const [hour, minute, second, fraction = '0'] = rest[0] === undefined ? rest.slice(4) : rest.slice(0, 4)
  const parts = [year, month, day, hour, minute, second].map(Number)
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts
  const ms = Date.UTC(y, mo - 1, d, h, mi, s)
  const back = new Date(ms)
  const isReal = back.getUTCMonth() === mo - 1 && back.getUTCDate() === d && h < 24 && mi < 60 && s < 62 && y > 0
  return isReal ? ms * 1000 + Number(fraction.padEnd(6, '0')) : undefined
}

/** `2026-01-31T12:00:00.000000`. */
export function microsText(micros: number): string {
  const fraction = ((micros % microsPerSecond) + microsPerSecond) % microsPerSecond
  const second = new Date((micros - fraction) / 1000).toISOString().slice(0, 19)
  return `${second}.${String(fraction).padStart(6, '0')}`
}

/** A missing end is now; so is a missing start, which makes sense only for both. The future is cut off. */
export function periodOf(start: string | undefined, end: string | undefined, nowMs: number): Period {
  const now = nowMs * 1000
  const read = (text: string | undefined): number => {
    const micros = text === undefined || text === '' ? now : parseMicros(text)
    if (micros === undefined) throw BadPeriod({ text: 'Invalid datetime string: Datetime is in invalid format' })
    return micros
  }
  const [startMicros, stopMicros] = [read(start), read(end)]
  const bothNow = (start ?? '') === '' && (end ?? '') === ''
  if (startMicros >= stopMicros && !bothNow) {
    throw BadPeriod({ text: 'Invalid start time. The start time cannot occur after the end time.' })
  }
  return { startMicros, stopMicros: Math.min(stopMicros, now) }
}
