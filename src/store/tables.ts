import type { ApiTables } from './api-db/schema.ts'
import type { NovaCellsTables } from './cell-db/nova-cells/tables.ts'
import type { CellTables } from './cell-db/schema.ts'
import type { Database } from './engine/index.ts'

/** With one cell, both databases are the same one, and a create is one transaction. */
export type Tables = ApiTables & CellTables & NovaCellsTables
export type Db = Database<Tables>
