import { element } from './element.ts'
import type { Family } from './host.ts'

export const memory: Family = spec => element('memory', { unit: 'KiB' }, spec.flavor.memoryMiB * 1024)
