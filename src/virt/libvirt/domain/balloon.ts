import { element } from './element.ts'
import type { Family } from './host.ts'

/** With a period of 0 the operator wants no statistics; libvirt would put a balloon there by itself. */
export const balloon: Family = (_spec, { settings: { memoryStatsSeconds } }) =>
  memoryStatsSeconds > 0
    ? element('memballoon', { model: 'virtio' }, element('stats', { period: memoryStatsSeconds }))
    : element('memballoon', { model: 'none' })
