import { CamelCasePlugin, type Kysely } from 'kysely'
import { newHexId } from '#base'
import { insertIgnore, migrate, openDatabase } from '#store/engine'
import { migrations } from './migrations.ts'
import type { Tables } from './tables.ts'

/** The service's database, or one open transaction on it. */
export type Db = Kysely<Tables>

export async function openStore(databaseUrl: string): Promise<Db> {
  const bare = openDatabase<Tables>(databaseUrl)
  await migrate(bare, 'network', migrations)
  return bare.withPlugin(new CamelCasePlugin())
}

/** An id of this deployment, made once: what this cloud owns on the host is named after it. */
export async function deploymentId(db: Db): Promise<string> {
  await insertIgnore(db, 'facts', { name: 'deployment_id', value: newHexId().slice(0, 8) })
  const row = await db.selectFrom('facts').select('value').where('name', '=', 'deployment_id').executeTakeFirstOrThrow()
  return row.value
}
