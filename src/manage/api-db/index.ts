import { declareFault } from '#base'
import { text } from '../kit/arguments.ts'
import { type CommandGroup, command } from '../kit/command.ts'
import type { ManageWorld } from '../manage-world.ts'

export const ApiDatabaseUnknown = declareFault(
  'ApiDatabaseUnknown',
  'refused',
  () => 'Neither [api_database]/connection nor [database]/connection is set in the configuration file.',
)

function urlOf({ apiDatabaseUrl }: ManageWorld): string {
  if (apiDatabaseUrl === null) throw ApiDatabaseUnknown({})
  return apiDatabaseUrl
}

const sync = command({
  name: 'sync',
  help: 'Bring the API database to the newest version of its schema.',
  arguments: { version: text('VERSION', 'only up to this version') },
  async run({ version }, { world }) {
    await world.syncSchema('api', urlOf(world), version)
    return 0
  },
})

const version = command({
  name: 'version',
  help: 'Print the version of the schema of the API database.',
  arguments: {},
  async run(_, { world }) {
    const found = (await world.schemaVersion('api', urlOf(world))) ?? null
    return { exitCode: 0, text: found ?? 'None', value: { version: found } }
  },
})

/** `nova-manage api_db …`: the schema of what is known once for all cells. */
export const apiDb: CommandGroup = { name: 'api_db', help: 'the API database', commands: [sync, version] }
