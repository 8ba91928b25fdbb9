import { readFileSync } from 'node:fs'

/**
 * Milliseconds since this machine was switched on, by the kernel's count, which nobody can set and which goes on while the
 * machine sleeps: so must a lease, for others do not sleep meanwhile. To a hundredth of a second.
 */
export const bootTimeMs = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]) * 1000

let known: string | undefined

/** Another one after each boot. */
export function bootId(): string {
  known ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return known
}
