import type { Instance } from '#model'
import type { ConductorDeps } from './deps.ts'
import { guestImage } from './guest-spec.ts'

/** How long a guest may take to shut down: what its image says in `os_shutdown_timeout`, else `shutdown_timeout`. */
export function gracefulMs(d: ConductorDeps, instance: Instance): number {
  const said = guestImage(instance).properties['os_shutdown_timeout']?.trim() ?? ''
  return /^\d{1,7}$/.test(said) ? Number(said) * 1000 : d.options.shutdownTimeoutMs
}
