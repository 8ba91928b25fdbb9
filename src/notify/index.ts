/**
 * What Nova tells others of what happens in it: the types of notifications, their payloads, and the way to whoever
 * listens. An event is written in the transaction that makes it true (`Notices`) and sent afterwards (`Courier`), in
 * order, at least once. Called by api and conductor; where nobody wants notifications it does nothing at all.
 */
export type {
  About,
  AboutOf,
  AggregateFacts,
  Failure,
  Initiator,
  KeypairFacts,
  Metric,
  PayloadSettings,
  VolumeUsage,
} from './build/about.ts'
export { Courier, type CourierOptions, type Driver } from './courier.ts'
export { brokerDriver, logDriver, severalDrivers, type Topics } from './drivers.ts'
export { type EventDeclaration, type EventType, events, type PayloadOf } from './events.ts'
export {
  createNotices,
  type Format,
  type Notices,
  type NoticesOptions,
  noNotices,
  type StateChanges,
} from './notices.ts'
export { type PayloadName, payloads } from './payloads/index.ts'
export { watched } from './watch.ts'
