/** The line `uptime` prints, which clients parse; it names no users because that would need another program. */
export function uptimeText(nowMs: number, upSeconds: number, load: readonly number[]): string {
  const time = new Date(nowMs).toTimeString().slice(0, 8)
  const days = Math.floor(upSeconds / 86_400)
  const hours = Math.floor((upSeconds % 86_400) / 3600)
  const minutes = Math.floor((upSeconds % 3600) / 60)
  const rest = hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}` : `${minutes} min`
  const dayText = days === 0 ? '' : `${days} day${days === 1 ? '' : 's'}, `
  return ` ${time} up ${dayText}${rest},  0 users,  load average: ${load.map(l => l.toFixed(2)).join(', ')}`
}
