/**
 * A database as kysely sees it: open, migrate, write in transactions that retry. Every service that owns tables uses
 * this and nothing else. SQLite through node:sqlite now; the MySQL family comes behind the same functions.
 */
export { type Database, openDatabase } from './database.ts'
export { type Migration, migrate } from './migrate.ts'
export { createTables, type PlainTables } from './plain-tables.ts'
export { affected, among, amongJson, insertIgnore, insertRows, upsert } from './portable.ts'
export { prepared } from './prepared.ts'
export { type Change, Resident, type ResidentTable, type Shapes, type TableShape } from './resident.ts'
export { StatementCounter } from './statement-counter.ts'
