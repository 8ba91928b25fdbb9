import { flag, required, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { storeOfCell } from './mappings.ts'

/**
 * Exit 1: no such cell; 2: it has hosts; 3: it has servers; 4: only mappings of deleted servers. With --force hosts and
 * mappings go with it, servers that live never do.
 */
export const deleteCell = command({
  name: 'delete_cell',
  help: 'Delete an empty cell.',
  arguments: {
    '--cell_uuid': required(text('<cell_uuid>', 'The uuid of the cell to delete')),
    '--force': flag('Delete hosts and instance_mappings that belong to the cell as well'),
  },
  async run({ '--cell_uuid': uuid, '--force': force }, { world, out }) {
    const store = await world.store()
    const { cellMappings, hostMappings, instanceMappings } = store
    if ((await cellMappings.find(uuid)) === undefined)
      return { exitCode: 1, text: `Cell with uuid ${uuid} was not found.` }
    if (!force && (await hostMappings.list(uuid)).length > 0)
      return { exitCode: 2, text: `There are existing hosts mapped to cell with uuid ${uuid}.` }
    const directory = await world.cells()
    const isUsed = await instanceMappings.isUsed(uuid)
    const isHome = (await directory.find(uuid))?.isHome === true
    // Servers at home have no mapping.
    if ((isUsed || isHome) && (await (await storeOfCell(directory, uuid)).instances.isAnyAlive()))
      return { exitCode: 3, text: `There are existing instances mapped to cell with uuid ${uuid}.` }
    if (isUsed && !force) {
      out.say(`There are instance mappings to cell with uuid ${uuid}, but all instances have been deleted in the cell.`)
      out.say("So execute 'nova-manage db archive_deleted_rows' to delete the instance mappings.")
      return 4
    }
    await instanceMappings.removeCell(uuid)
    await hostMappings.removeCell(uuid)
    await instanceMappings.setMarker(uuid, 0)
    await cellMappings.remove(uuid)
    return 0
  },
})
