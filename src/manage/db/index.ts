import type { CommandGroup } from '../kit/command.ts'
import { archiveDeletedRows } from './archive.ts'
import { onlineDataMigrations } from './online-migrations.ts'
import { purge } from './purge.ts'
import { sync, version } from './schema.ts'

/** `nova-manage db …`: the databases of cells. */
export const db: CommandGroup = {
  name: 'db',
  help: 'the databases of cells',
  commands: [archiveDeletedRows, onlineDataMigrations, purge, sync, version],
}
