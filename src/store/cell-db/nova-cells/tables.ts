import { type Generated, type Kysely, sql } from 'kysely'
import { createTables } from '../../engine/index.ts'

/** Tables of nova-cells: all nova-cells of a cell share what they know. Times are milliseconds since the epoch. */
export interface NovaCellsTables {
  /** The neighbours of this cell. */
  cells: {
    number: Generated<number>
    name: string
    is_parent: number
    /** With the password of the neighbour's broker. */
    transport_url: string
    weight_offset: number
    weight_scale: number
    created_at: number
  }
  /** What the children have told of themselves, and when we have heard it. */
  cell_states: {
    name: string
    capabilities_json: string | null
    capacities_json: string | null
    last_seen_at: number
  }
  /** Sizes of flavors, in MB, that the cells above want to be told room for. */
  cell_sizes: { kind: string; size_mb: number; told_at: number }
  /** Requests of other cells: who carries them out, and what they were answered. */
  kept_requests: {
    id: string
    /** What the request wrote down in the records of its servers. */
    request_id: string
    owner: string
    lease_until: number
    begun_at: number
    /** Null: not answered yet. */
    reply_json: string | null
    answered_at: number | null
  }
}

export async function novaCellsTables(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('cells')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('name', 'varchar(255)', c => c.notNull().unique())
    .addColumn('is_parent', 'integer', c => c.notNull())
    .addColumn('transport_url', 'text', c => c.notNull())
    .addColumn('weight_offset', 'double precision', c => c.notNull())
    .addColumn('weight_scale', 'double precision', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  await createTables(db, {
    cell_states: [
      ['name', 'varchar(255)', 'key'],
      ['capabilities_json', 'text', 'null'],
      ['capacities_json', 'text', 'null'],
      ['last_seen_at', 'bigint'],
    ],
    cell_sizes: [
      ['kind', 'varchar(8)', 'key'],
      ['size_mb', 'bigint', 'key'],
      ['told_at', 'bigint'],
    ],
    kept_requests: [
      ['id', 'varchar(64)', 'key'],
      ['request_id', 'varchar(64)'],
      ['owner', 'varchar(255)'],
      ['lease_until', 'bigint'],
      ['begun_at', 'bigint'],
      ['reply_json', 'text', 'null'],
      ['answered_at', 'bigint', 'null'],
    ],
  })
  await schema.createIndex('kept_requests_begun').on('kept_requests').columns(['begun_at']).execute()
}
