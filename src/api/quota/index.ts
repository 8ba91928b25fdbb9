/**
 * How much a project may have, from our tables or from Keystone's unified limits, and what of a demand does not fit. The
 * counting happens in the transaction that writes, so that many requests at once never exceed a limit together. Called by
 * accept/ and the resources.
 */
export { type Counted, inUsageTurn, usageOf } from './counted.ts'
export { type Demand, demandOf, type Excess, excess, QuotaExceeded } from './excess.ts'
export { databaseQuotas, type Limits, noQuotas, type QuotaSource } from './quota-source.ts'
export { type UnifiedOptions, unifiedNames, unifiedQuotas } from './unified.ts'
