// What the Python library behind oslo's parse_isotime takes; the zone is UTC when none is given.
const iso =
  /^(\d{4})(?:(?:-(\d{1,2})|(\d{2})(?!$))(?:(?:-(\d{1,2})|(\d{2}))(?:[ T](\d{2})(?::?(\d{2}))?(?::?(\d{1,2})(?:[.,](\d+))?)?(Z|([-+])(\d{2}):?(\d{2})?)?)?)?)?$/

/** Milliseconds since the epoch for an ISO 8601 text in any of the forms Nova takes, else undefined. */
export function parseIsoTime(value: string): number | undefined {
  const m = iso.exec(value)
  if (m === null) return undefined
  const [year, month, day] = [Number(m[1]), Number(m[2] ?? m[3] ?? 1), Number(m[4] ?? m[5] ?? 1)]
  const [hour, minute, second] = [Number(m[6] ?? 0), Number(m[7] ?? 0), Number(m[8] ?? 0)]
  const fraction = Number(`0.${m[9] ?? 0}`)
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 || year < 1) return undefined
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined
  const offsetMinutes = (m[11] === '-' ? -1 : 1) * (Number(m[12] ?? 0) * 60 + Number(m[13] ?? 0))
  return Date.UTC(year, month - 1, day, hour, minute - offsetMinutes, second) + Math.floor(fraction * 1000)
}
