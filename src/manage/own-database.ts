import { declareFault } from '#base'
import type { ManageWorld } from './manage-world.ts'

export const DatabaseUnknown = declareFault(
  'DatabaseUnknown',
  'refused',
  () => '[database]/connection is not set in the configuration file.',
)

/** The address of nova.conf's own database; throws `DatabaseUnknown`. */
export function ownDatabaseUrl({ databaseUrl }: Pick<ManageWorld, 'databaseUrl'>): string {
  if (databaseUrl === null) throw DatabaseUnknown({})
  return databaseUrl
}
