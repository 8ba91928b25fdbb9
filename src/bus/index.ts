/**
 * Messages between the services: `contracts/` says what each serves, an adapter carries them. In one process the adapter
 * is InProcessBus, between processes of one machine SocketBus, between machines RabbitBus.
 */
export type { Bus, RemoteBus } from './bus.ts'
export { type CallContext, type Client, type Contract, contract, type Handlers, method } from './contract.ts'
export {
  type CellMessage,
  type CellsContract,
  type CellView,
  type CellWish,
  cellsContract,
  type FarCells,
  type FarList,
  type FarListQuery,
  type FarRequest,
  type IntercellContract,
  intercellContract,
  type ListedServer,
  type OwnCellView,
  type SortWish,
} from './contracts/cells.ts'
export {
  type CachedImages,
  type ComputeContract,
  type ConsoleAccess,
  type ConsoleAsk,
  computeContract,
  type SnapshotOrder,
} from './contracts/compute.ts'
export {
  type Asker,
  type CachingAggregate,
  type ConductorContract,
  conductorContract,
  type ExpectedGuest,
  type GuestReport,
  type HostReport,
  type LeaseAnswer,
  type SettledMoves,
} from './contracts/conductor.ts'
export { type ExternalEvent, type ExternalEventName, externalEventNames } from './contracts/external-events.ts'
export type { Sending } from './contracts/moves.ts'
export type { HostFence, RequestedNetwork, SagaInputs, SagaName, ServerBuild, ServerMove } from './contracts/sagas.ts'
export { type SchedulerContract, schedulerContract } from './contracts/scheduler.ts'
export type { ServerTask } from './contracts/server-task.ts'
export type { VolumeSagaInputs } from './contracts/volume-sagas.ts'
export { TransportUnusable } from './faults.ts'
export { InProcessBus } from './in-process.ts'
export { NoServer } from './no-server.ts'
export { checkTransportUrl, type OpenBusParts, openBus } from './open.ts'
export * from './rabbit/index.ts'
export * from './socket/index.ts'
export { parseTransportUrl } from './transport-url.ts'
