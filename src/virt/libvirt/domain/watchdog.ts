import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { Family } from './host.ts'
import { imageOrFlavor } from './properties.ts'

const actions = ['none', 'pause', 'poweroff', 'reset']

const actionOf = (spec: GuestSpec): string =>
  imageOrFlavor(spec, 'hw_watchdog_action', 'hw:watchdog_action') ?? 'disabled'

/** Barks when the guest has fed it once and then no more. */
export const watchdog: Family = spec => {
  const action = actionOf(spec)
  return actions.includes(action) ? element('watchdog', { model: 'i6300esb', action }) : undefined
}

export function watchdogComplaint(spec: GuestSpec): string | undefined {
  const action = actionOf(spec)
  return action === 'disabled' || actions.includes(action)
    ? undefined
    : `Provided watchdog action (${action}) is not supported.`
}
