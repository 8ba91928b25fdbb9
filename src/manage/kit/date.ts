import { BadValue } from './arguments.ts'

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const iso =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/i

/** Hours from UTC of the zones that `date` prints by letters and RFC 2822 knows. */
const zones: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
}

function offsetMs(zone: string | undefined): number {
  const name = zone?.toUpperCase() ?? 'UTC'
  if (['Z', 'UTC', 'GMT'].includes(name)) return 0
  const hours = zones[name]
  if (hours !== undefined) return hours * 3_600_000
  const [, sign, hour, minute] = /^([+-])(\d{2}):?(\d{2})$/.exec(name) ?? []
  if (sign === undefined) throw new BadValue(`unknown time zone ${zone}; give the time in UTC as YYYY-MM-DD HH:mm:ss`)
  return (sign === '-' ? -1 : 1) * (Number(hour) * 60 + Number(minute)) * 60_000
}

/** Throws for the 31st of February, which JavaScript takes for the 3rd of March. */
function utcOf(parts: readonly [number, number, number, number, number, number], text: string): number {
  const [year, month, day, hour, minute, second] = parts
  const date = new Date(Date.UTC(year, month, day, hour, minute, second))
  const isSame = date.getUTCDate() === day && date.getUTCMonth() === month && date.getUTCHours() === hour
  if (!isSame || minute > 59 || second > 59) throw new BadValue(`no such time: ${text}`)
  return date.getTime()
}

function ofDate(text: string): number | undefined {
  const month = months.findIndex(name => new RegExp(`\\b${name}[a-z]*\\b`, 'i').test(text))
  const year = /\b(\d{4})\b/.exec(text)?.[1]
  const day = /(?<![\d:])(\d{1,2})(?![\d:])/.exec(text)?.[1]
  if (month < 0 || year === undefined || day === undefined) return undefined
  const [, hour = '0', minute = '0', second = '0', half] =
    /\b(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?\b/i.exec(text) ?? []
  const zone = /(?:\s)([+-]\d{2}:?\d{2}|(?!(?:AM|PM)\b)[A-Z]{1,5})(?=\s|$)/.exec(text)?.[1]
  const twelve = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
  return utcOf([Number(year), month, Number(day), twelve, Number(minute), Number(second)], text) - offsetMs(zone)
}

/** A time as `date` prints it, or `YYYY-MM-DD [HH:mm:ss]`, in UTC where it does not say another zone. Throws `BadValue`. */
export function readDate(text: string): number {
  const [found, year, month, day, hour = '0', minute = '0', second = '0', zone] = iso.exec(text.trim()) ?? []
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number)
  const time =
    found === undefined
      ? ofDate(text)
      : utcOf([y ?? 0, (mo ?? 0) - 1, d ?? 0, h ?? 0, mi ?? 0, s ?? 0], text) - offsetMs(zone)
  if (time === undefined) throw new BadValue(`Unknown string format: ${text}`)
  return time
}
