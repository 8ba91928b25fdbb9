import { element } from './element.ts'
import type { Family } from './host.ts'

/** Nova's mem_stats_period_seconds. */
const statsPeriodSeconds = 10

export const balloon: Family = () =>
  element('memballoon', { model: 'virtio' }, element('stats', { period: statsPeriodSeconds }))
