import { Fault } from '#base'
import { cell0Uuid } from '#store'
import { text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { masked, transportUrlFrom } from './addresses.ts'
import { addOwnCell, mapHosts, planOwnCell } from './map-hosts.ts'
import { cell0At, mapAllServers } from './mappings.ts'

/**
 * Exit 1: no hosts, or a database or bus that cannot be used.
 *
 * The order is that in which a cloud that is running loses sight of no server: as long as one of the two cells is not written
 * down, everything is looked for in one database; so hosts and servers are mapped first. What was created while the last was
 * written is mapped after it.
 */
export const simpleCellSetup = command({
  name: 'simple_cell_setup',
  help: 'Make a cloud of one database one of cells: cell0, and a cell of the hosts and servers that there are.',
  arguments: { '--transport-url': text('<transport_url>', 'The transport url for the cell message queue') },
  async run({ '--transport-url': given }, context) {
    const { world, out } = context
    const transportUrl = transportUrlFrom(given, context)
    if (transportUrl === undefined) return 1
    const store = await world.store()
    const known = await store.cellMappings.find(cell0Uuid)
    if (known !== undefined) out.say('Cell0 is already setup')
    const cell0 = known ?? cell0At(undefined, world)
    try {
      await world.syncSchema('cell', world.addressOf(cell0.databaseConnection))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      out.say(`Unable to sync cell0 schema: ${masked(cell0.databaseConnection)}: ${error.message}`)
      return 1
    }
    const addCell0 = () => (known === undefined ? store.cellMappings.add(cell0, world.clock.now()) : undefined)
    const cell = await planOwnCell(context, false)
    if (cell === undefined) {
      await addCell0()
      return 1
    }
    const servers = { api: store, cell: store, cellUuid: cell.uuid }
    await mapHosts(context, cell)
    const before = await mapAllServers(servers)
    if (!cell.isMapped) await addOwnCell(context, cell, { transportUrl })
    await addCell0()
    const after = await mapAllServers(servers)
    return { exitCode: 0, value: { uuid: cell.uuid, hosts: cell.newHosts, mapped_instances: before + after } }
  },
})
