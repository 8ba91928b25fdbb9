/**
 * Nova's own databases: `api-db/` (flavors, keys, quotas, aggregates, request specs) and `cell-db/` (instances and all that
 * happens to them, services, compute nodes, sagas), one file per aggregate root. With one cell both lie in one database.
 * Check and change are one statement; a method that can lose such a race returns false. Called by api, conductor, manage.
 */
export { type Aggregate, Aggregates } from './api-db/aggregates.ts'
export { type CellMapping, type CellMappingChange, cell0Uuid } from './api-db/cell-mappings.ts'
export { type FlavorList, type FlavorSortKey, Flavors, flavorSortKeys, type StoredFlavor } from './api-db/flavors.ts'
export { type HostMapping } from './api-db/host-mappings.ts'
export { type InstanceMapping, type InstanceSummary, mappingOf } from './api-db/instance-mappings.ts'
export { type Keypair, Keypairs } from './api-db/keypairs.ts'
export { type Limits, Quotas } from './api-db/quotas.ts'
export { type ActionEvent, type ActionQuery, Actions, type InstanceAction, type LostEvent } from './cell-db/actions.ts'
export { type RowCounts } from './cell-db/archive.ts'
export { type BlockDeviceChange, BlockDevices } from './cell-db/block-devices.ts'
export { type ComputeNode, type HostReserve, type HostUsage } from './cell-db/compute-nodes.ts'
export { type ConsoleGrant } from './cell-db/console-tokens.ts'
export { type HostClaim } from './cell-db/host-claims.ts'
export { type HostMarks } from './cell-db/host-marks.ts'
export {
  type ClaimWish,
  claimHost,
  claimMore,
  hostOccupancies,
  leaveHost,
  releaseHost,
  releasePort,
  reportDevices,
  takeBackHost,
} from './cell-db/host-occupancy.ts'
export { type Tally } from './cell-db/host-tallies.ts'
export {
  comparePositions,
  type InstanceFilter,
  type InstancePosition,
  type InstanceQuery,
  type InstanceSortKey,
  InvalidRegex,
  instanceSortColumns,
  MarkerNotFound,
  type PatternColumn,
  type PositionedInstance,
} from './cell-db/instance-list.ts'
export {
  type BuildingServer,
  type CountedPart,
  type Expected,
  type InstanceChange,
  type NewInstance,
  type Usage,
} from './cell-db/instances.ts'
export {
  compareMigrations,
  type MigrationChange,
  type MigrationFilter,
  type MigrationQuery,
  type NewMigration,
} from './cell-db/moves.ts'
export type {
  ChildState,
  KeptRequest,
  KeptRequests,
  NeighbourCell,
  NovaCells,
  Sizes,
  StoredNeighbourCell,
} from './cell-db/nova-cells/index.ts'
export { type OutboxEvent, type WaitingEvent } from './cell-db/outbox.ts'
export { type NewSaga } from './cell-db/sagas.ts'
export { type ServerShareChange } from './cell-db/server-shares.ts'
export { isServiceUp, type Service } from './cell-db/services.ts'
export { type TaskRun } from './cell-db/task-log.ts'
export { type IoCounters } from './cell-db/volume-usages.ts'
export {
  type Cell,
  type CellAnswer,
  CellDirectory,
  CellUnreachable,
  cellUnreachable,
  inReach,
} from './cells/directory.ts'
export { type Discovery, discoverHosts, type FoundHost } from './cells/discover-hosts.ts'
export { type ServerRows } from './cells/server-rows.ts'
export { fillTemplate } from './cells/url-template.ts'
export { sagaJournal } from './saga-journal.ts'
export { NoSuchVersion, type SchemaName, schemaVersion, syncSchema } from './schema-versions.ts'
export { type ApiStore, openApiStore, openStore, type Store, type StoreOptions } from './store.ts'
export { turnOf } from './turns.ts'
