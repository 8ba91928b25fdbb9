/**
 * Long operations that somebody asked for: a typed list of named steps with undo and a pivot (definition.ts), a journal in
 * the database (journal.ts), one run (run.ts) and the engine that finds, owns and finishes them (engine.ts). A restart
 * resumes at the first step without an entry. Used by the conductor; knows nothing of instances.
 */
export {
  type AnyDefinition,
  type Definition,
  type Outcome,
  removal,
  SagaBuilder,
  type SettleContext,
  type StepContext,
  saga,
  shapeOf,
  type Telling,
  type Tellings,
} from './definition.ts'
export { type EngineOptions, type Listener, SagaEngine } from './engine.ts'
export { emptyJournal, type Journal, type JournalStore, type SagaRow, type WriteResult } from './journal.ts'
export { Abandoned, type Probe, SagaCancelled, type Told } from './run.ts'
