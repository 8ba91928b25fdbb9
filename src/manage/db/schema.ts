import { Fault } from '#base'
import { cell0Uuid } from '#store'
import { flag, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { ownDatabaseUrl } from '../own-database.ts'

/**
 * Exit 1: cell0 cannot be reached, and nothing was done here.
 *
 * The API's tables come first, with the list of cells: cell0 is looked up there, and where they are in the cell's database they
 * are made before the cell's. The services do all this themselves when they start.
 */
export const sync = command({
  name: 'sync',
  help: 'Bring the databases of the API, of cell0 and of this nova.conf to the newest version of their schemas.',
  arguments: {
    '--local_cell': flag('Only the database of this nova.conf'),
    version: text('VERSION', 'only up to this version of the schema of cells'),
  },
  async run({ '--local_cell': isLocal, version }, { world, out }) {
    const own = ownDatabaseUrl(world)
    if (!isLocal) {
      try {
        const cell0 = await (await world.apiStore()).cellMappings.find(cell0Uuid)
        if (cell0 === undefined) out.say('WARNING: cell0 mapping not found - not syncing cell0.')
        else await world.syncSchema('cell', world.addressOf(cell0.databaseConnection), version)
      } catch (error) {
        if (!(error instanceof Fault) || error.kind === 'refused') throw error
        out.say(`ERROR: Could not access cell0: ${error.message}`)
        return 1
      }
    }
    await world.syncSchema('cell', own, version)
    return 0
  },
})

export const version = command({
  name: 'version',
  help: 'Print the version of the schema of the database of this nova.conf.',
  arguments: {},
  async run(_, { world }) {
    const found = (await world.schemaVersion('cell', ownDatabaseUrl(world))) ?? null
    return { exitCode: 0, text: found ?? 'None', value: { version: found } }
  },
})
