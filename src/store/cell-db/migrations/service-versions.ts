import type { Kysely } from 'kysely'

/** Every decision of the scheduler asks for the oldest nova-compute. */
export async function serviceVersions({ schema }: Kysely<never>): Promise<void> {
  await schema.createIndex('services_version').on('services').columns(['binary', 'version']).execute()
}
