import { int, str } from '../option.ts'

const engine = {
  slave_connection: str(null, 'Database for reads that may lag.', { secret: true }),
  max_pool_size: int(5, 'Connections kept open.', { min: 0 }),
  max_overflow: int(50, 'Connections beyond that under load.', { min: 0 }),
  connection_recycle_time: int(3600, 'Seconds after which a connection is replaced.'),
  max_retries: int(10, 'Attempts to connect at start; -1 for ever.'),
  retry_interval: int(10, 'Seconds between them.'),
  mysql_sql_mode: str('TRADITIONAL', 'SQL mode of the session.'),
} as const

export const databaseSection = {
  connection: str(null, 'Cell database: mysql+pymysql://user:password@host/nova or sqlite:///file', { secret: true }),
  ...engine,
} as const

export const apiDatabaseSection = {
  connection: str(null, 'API database.', { secret: true }),
  ...engine,
} as const
