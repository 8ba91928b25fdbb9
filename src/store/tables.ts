import type { ApiTables } from './api-db/schema.ts'
import type { CellTables } from './cell-db/schema.ts'
import type { Database } from './engine/index.ts'

/** With one cell, both databases are the same one, and a create is one transaction. */
export type Tables = ApiTables & CellTables
export type Db = Database<Tables>
