import { element } from './element.ts'
import type { Family } from './host.ts'

/** Events of the processor that libvirt counts for the guest. */
export const perf: Family = (_spec, { settings: { perfEvents } }) =>
  perfEvents.length === 0
    ? undefined
    : element(
        'perf',
        {},
        perfEvents.map(name => element('event', { enabled: 'yes', name })),
      )
