/**
 * nova-scheduler: which host a server goes to, and why not the others.
 *
 * Owns no state: a decision is arithmetic over a snapshot (`HostSource`, placement's candidates) under the operator's
 * options, and the claims it makes in placement. Promises: all instances of a request or none; never a host that a
 * filter refused; a reason in words for every host that fell out. Called by the conductor's sagas and by dry runs.
 */
export type { BenchOptions, BenchReport } from './bench.ts'
export { benchScheduler } from './bench.ts'
export { type AskCells, cellClaims, cellHosts, type HostsOfCell } from './cell-hosts.ts'
export type { HostClaimer } from './claim-host.ts'
export type { LostClaim, SchedulingDecision } from './decision.ts'
export { DecisionJournal, type DecisionJournalDeps } from './decision-journal.ts'
export { recordOf } from './decision-record.ts'
export { AllocationUpdateFailed, HostFilterNotFound, HostWeigherNotFound } from './faults.ts'
export { allFilters } from './filters/index.ts'
export type { AggregateWithHosts, HostSource, NodeName, SchedulerHost } from './host-source.ts'
export type { SchedulerOptions, SchedulerOverrides } from './options.ts'
export { schedulerDefaults, schedulerOptions } from './options.ts'
export { candidateQuery, fallbackQuery, type QueryOptions } from './placement-query.ts'
export type { RankedHost } from './ranking.ts'
export { notEnoughHosts, refusalDetails, refusalMessage } from './refusal-text.ts'
export type { RequestFilterNote } from './request-filters/index.ts'
export { aFlavor, aGroup, aHost, anAggregate, anImage, aSpec } from './samples.ts'
export { createScheduler, type Scheduler, type SchedulerDeps, type SelectionWish } from './scheduler.ts'
export { type Choice, type Choices, type SelectInput, select } from './select.ts'
export { type StoreHostOptions, storeClaims, storeHosts } from './store-hosts.ts'
export { allWeighers } from './weighers/index.ts'
