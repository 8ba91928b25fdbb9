import { text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { cell0At, keepInSight } from './mappings.ts'

/** Exit 0, also where it is there already. */
export const mapCell0 = command({
  name: 'map_cell0',
  help: 'Create the mapping of cell0, the cell of servers that no host was found for.',
  arguments: {
    '--database_connection': text(
      '<database_connection>',
      'The database of cell0; without it the one of nova.conf with _cell0 appended to its name',
    ),
  },
  async run({ '--database_connection': given }, context) {
    const { world, out } = context
    const store = await world.store()
    await keepInSight(context)
    if (!(await store.cellMappings.add(cell0At(given, world), world.clock.now()))) out.say('Cell0 is already setup')
    await keepInSight(context)
    return 0
  },
})
