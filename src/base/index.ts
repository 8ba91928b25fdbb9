/**
 * What every module may use and which knows none of them: clock, ids, typed faults, queues, logs.
 * Pure or nearly so: nothing here opens a socket or a file except the log.
 */
export * from './clock.ts'
export * from './compiled-code.ts'
export * from './dispose.ts'
export * from './faults.ts'
export * from './ids.ts'
export * from './json.ts'
export * from './log.ts'
export * from './periodic.ts'
export * from './retry.ts'
export { SearchPattern } from './search-pattern/search-pattern.ts'
export * from './serial-queue.ts'
export * from './units.ts'
export * from './wait.ts'
