import { type Kysely, sql } from 'kysely'

export async function consoleTokens({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createTable('console_auth_tokens')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('token_hash', 'varchar(64)', c => c.notNull().unique())
    .addColumn('console_type', 'varchar(255)', c => c.notNull())
    .addColumn('host', 'varchar(255)', c => c.notNull())
    .addColumn('port', 'integer', c => c.notNull())
    .addColumn('tls_port', 'integer')
    .addColumn('internal_access_path', 'varchar(255)')
    .addColumn('access_url_base', 'varchar(255)', c => c.notNull())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('expires_at', 'bigint', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  const index = (name: string, column: string) =>
    schema.createIndex(name).on('console_auth_tokens').columns([column]).execute()
  await index('console_auth_tokens_instance', 'instance_id')
  await index('console_auth_tokens_expires', 'expires_at')
}

/** The compute host of the grant: a guest that has moved is not behind its old tokens any more. */
export async function consoleTokenHosts({ schema }: Kysely<never>): Promise<void> {
  await schema.alterTable('console_auth_tokens').addColumn('compute_host', 'varchar(255)').execute()
}
