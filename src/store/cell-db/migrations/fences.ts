import type { Kysely } from 'kysely'

/** By which lease the guests of a host run, and since when it is known that none runs any more. */
export async function fences({ schema }: Kysely<never>): Promise<void> {
  await schema.alterTable('services').addColumn('lease_ms', 'integer').execute()
  await schema.alterTable('services').addColumn('fence_json', 'text').execute()
}
