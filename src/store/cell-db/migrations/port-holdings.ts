import type { Kysely } from 'kysely'

/** What the ports of a server hold of the network's providers is part of its claim. */
export async function portHoldings({ schema }: Kysely<never>): Promise<void> {
  await schema.alterTable('host_claims').addColumn('ports_json', 'text').execute()
}
