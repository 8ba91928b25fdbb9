import { bool, int, str } from '../option.ts'

/** oslo.db's options. */
const engine = {
  slave_connection: str(null, 'Database for reads that may lag behind.', { secret: true }),
  synchronous_reader: bool(
    true,
    'Lists of servers are read where they are written; otherwise slave_connection serves them too.',
  ),
  max_pool_size: int(5, 'Connections kept open.', { min: 0 }),
  max_overflow: int(50, 'Connections beyond that under load; -1 for no bound.', { min: -1 }),
  pool_timeout: int(null, 'Seconds to wait for a connection while all are in use.', { min: 0 }),
  connection_recycle_time: int(3600, 'Seconds after which a connection is replaced; -1 for never.', { min: -1 }),
  max_retries: int(10, 'Attempts to connect at start; -1 for ever.', { min: -1 }),
  retry_interval: int(10, 'Seconds between them.', { min: 0 }),
  db_max_retries: int(20, 'Attempts after that, while the database is away or busy; -1 for ever.', { min: -1 }),
  db_retry_interval: int(1, 'Seconds between them.', { min: 0 }),
  db_inc_retry_interval: bool(true, 'The pause between them doubles each time.'),
  db_max_retry_interval: int(10, 'The longest of these pauses, in seconds.', { min: 0 }),
  mysql_sql_mode: str('TRADITIONAL', 'SQL mode of the session; empty for that of the server.'),
  mysql_wsrep_sync_wait: int(
    null,
    "Galera: which statements wait until the node has applied what the cluster has committed (the server's wsrep_sync_wait).",
    { min: 0, max: 15 },
  ),
  connection_parameters: str('', 'More parameters of the connection: name=value&name=value.'),
  sqlite_synchronous: bool(true, 'SQLite waits until what it writes is on the disk.'),
} as const

export const databaseSection = {
  connection: str(null, 'Cell database: mysql+pymysql://user:password@host/nova or sqlite:///file', { secret: true }),
  ...engine,
} as const

export const apiDatabaseSection = {
  connection: str(null, 'API database.', { secret: true }),
  ...engine,
} as const
