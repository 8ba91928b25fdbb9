/**
 * A database as kysely sees it: open, migrate, write in transactions that retry. Every service that owns tables uses
 * this and nothing else. SQLite through node:sqlite, MariaDB and MySQL through mysql2. What one does and the other does not
 * is in here: who writes SQL outside says it in words that both know.
 */
export { type MysqlAddress, nameOfDatabase, readDatabaseUrl } from './address.ts'
export { type Database, openDatabase } from './database.ts'
export { BadDatabaseUrl, DatabaseOutcomeUnknown, DatabaseUnavailable, isOutage } from './faults.ts'
export { type Migration, migrate, migrationsDone } from './migrate.ts'
export { createDatabase, dropDatabase } from './mysql/create.ts'
export { type DatabaseOptions } from './options.ts'
export { createTables, dropIndex, type PlainTables } from './plain-tables.ts'
export { affected, among, amongJson, insertIgnore, insertRows, searchesPatterns, upsert } from './portable.ts'
export { prepared } from './prepared.ts'
export { type Change, Resident, type ResidentTable, type Shapes, type TableShape } from './resident.ts'
export { StatementCounter } from './statement-counter.ts'
export { inSnapshot, inTransaction } from './transaction.ts'
export { needsTurns, takeTurns } from './turns.ts'
export { rowNumber } from './words.ts'
