import { cell0Uuid } from '#store'
import { flag, required, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { batch, getCell, mapServers, storeOfCell } from './mappings.ts'

/** Exit 0: all are mapped; 1: there are more, run it again; 127: not a count. */
export const mapInstances = command({
  name: 'map_instances',
  help: 'Map servers of a cell that have no mapping, oldest first. Each run goes on where the one before ended.',
  arguments: {
    '--cell_uuid': required(text('<cell_uuid>', 'Servers without a mapping are mapped to this cell')),
    '--max-count': text('<max_count>', `Maximum number of servers to map; without it all, ${batch} at a time`),
    '--reset': flag('Begin with the oldest again'),
  },
  async run({ '--cell_uuid': uuid, '--max-count': count, '--reset': reset }, { world, out }) {
    const limit = count === undefined ? batch : Number(count)
    if (!Number.isSafeInteger(limit) || limit < 1)
      return { exitCode: 127, text: 'Must supply a positive value for max-count' }
    const api = await world.store()
    await getCell(api, uuid)
    const directory = await world.cells()
    if (uuid === cell0Uuid) {
      out.say(`Servers of cell ${uuid} need no mapping: they are looked for there when they have none.`)
      return { exitCode: 0, value: { mapped: 0, complete: true } }
    }
    const where = { api, cell: await storeOfCell(directory, uuid), cellUuid: uuid }
    let after = reset ? 0 : await api.instanceMappings.marker(uuid)
    let added = 0
    for (;;) {
      const mapped = await mapServers(where, after, limit)
      added += mapped.added
      after = mapped.next ?? 0
      await api.instanceMappings.setMarker(uuid, after)
      if (after === 0 || count !== undefined || out.isInterrupted()) break
    }
    return { exitCode: after === 0 ? 0 : 1, value: { mapped: added, complete: after === 0 } }
  },
})

/** Exit 0: it is in a cell; 1: unknown; 2: its cell is not there; 3: deleted; 4: archived, and still mapped. */
export const verifyInstance = command({
  name: 'verify_instance',
  help: 'Tell which cell a server is in.',
  arguments: {
    '--uuid': required(text('<instance_uuid>', 'The instance UUID to verify')),
    '--quiet': flag('Do not print anything'),
  },
  async run({ '--uuid': id, '--quiet': quiet }, { world, out }) {
    const answer = (exitCode: number, ...lines: readonly string[]) => {
      for (const line of quiet ? [] : lines) out.say(line)
      return exitCode
    }
    const directory = await world.cells()
    const mapping = await (await world.store()).instanceMappings.find(id)
    const cell = mapping === undefined ? await directory.home() : await directory.find(mapping.cellUuid)
    if (cell === undefined)
      return answer(2, `Instance ${id} is not mapped to a cell: cell ${mapping?.cellUuid} is not there`)
    const instance = await (await cell.store()).instances.find(id, { withDeleted: true })
    if (instance === undefined && mapping !== undefined)
      return answer(4, `The instance with uuid ${id} has been archived.`, 'However its instance_mapping remains.')
    if (instance === undefined) return answer(1, `Instance ${id} is not mapped to a cell or does not exist`)
    if (!instance.isDeleted) return answer(0, `Instance ${id} is in cell: ${cell.name ?? 'None'} (${cell.uuid})`)
    return answer(
      3,
      `The instance with uuid ${id} has been deleted.`,
      'Execute `nova-manage db archive_deleted_rows` command to archive this deleted instance and remove its instance_mapping.',
    )
  },
})
