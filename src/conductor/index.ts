/**
 * nova-conductor: everything that somebody asked for and that takes time (`sagas/`, one file per operation), and what the
 * world does by itself (`reconcilers/`). It owns the records of instances while an operation runs; hosts only talk to it.
 */
export type { ConductorCells, ConductorDeps, ConductorOptions, ConfigDriveSource } from './deps.ts'
export { sagas } from './sagas/index.ts'
export {
  type Conductor,
  type ConductorStart,
  oldestComputeVersion,
  registerService,
  serviceVersion,
  startConductor,
} from './service.ts'
