import { newUuid } from '#base'
import { type CellMapping, cell0Uuid } from '#store'
import { flag, required, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { table } from '../kit/table.ts'
import { databaseUrlFrom, isTaken, masked, transportUrlFrom } from './addresses.ts'
import { keepInSight } from './mappings.ts'

/** Exit 1: a URL is missing or wrong; 2: another cell has one of them. */
export const createCell = command({
  name: 'create_cell',
  help: 'Add a cell. URLs that are not given are those of nova.conf; they may be templates.',
  arguments: {
    '--name': text('<cell_name>', 'The name of the cell'),
    '--database_connection': text('<database_connection>', 'The database url for the cell database'),
    '--transport-url': text('<transport_url>', 'The transport url for the cell message queue'),
    '--verbose': flag('Output the uuid of the created cell'),
    '--disabled': flag('To create a pre-disabled cell'),
  },
  async run(given, context) {
    const { world, out } = context
    const transportUrl = transportUrlFrom(given['--transport-url'], context)
    if (transportUrl === undefined) return 1
    const databaseUrl = databaseUrlFrom(given['--database_connection'], context)
    if (databaseUrl === undefined) return 1
    const store = await world.store()
    if (await isTaken(store, { transportUrl, databaseUrl }, context)) return 2
    const uuid = newUuid()
    const { '--name': name = null, '--disabled': isDisabled } = given
    const cell = { uuid, name, transportUrl, databaseConnection: databaseUrl, isDisabled }
    await store.cellMappings.add(cell, world.clock.now())
    if (databaseUrl === world.databaseUrl) await keepInSight(context)
    if (given['--verbose']) out.say(uuid)
    return { exitCode: 0, value: { uuid, name, disabled: isDisabled } }
  },
})

const isCell0 = (cell: CellMapping): boolean => cell.uuid === cell0Uuid

const byName = <T extends { readonly name: string | null }>(a: T, b: T): number => {
  const [left, right] = [a.name ?? '', b.name ?? '']
  return left < right ? -1 : left > right ? 1 : 0
}

export const listCells = command({
  name: 'list_cells',
  help: 'List the cells.',
  arguments: { '--verbose': flag('Show sensitive details, such as passwords') },
  async run({ '--verbose': verbose }, { world }) {
    const shown = verbose ? (url: string) => url : masked
    const cells = [...(await (await world.apiStore()).cellMappings.list())].sort(byName).map(cell => ({
      name: cell.name ?? '',
      uuid: cell.uuid,
      transport_url: shown(cell.transportUrl),
      database_connection: shown(cell.databaseConnection),
      disabled: cell.isDisabled,
    }))
    const head = ['Name', 'UUID', 'Transport URL', 'Database Connection', 'Disabled']
    return { exitCode: 0, text: table(head, cells.map(Object.values)), value: cells }
  },
})

/** Exit 1: no such cell; 2: wrong URL; 3: URLs of another cell; 4: both --disable and --enable; 5: one of them for cell0. */
export const updateCell = command({
  name: 'update_cell',
  help: 'Change a cell. URLs that are not given become those of nova.conf. Services see it within seconds.',
  arguments: {
    '--cell_uuid': required(text('<cell_uuid>', 'The uuid of the cell to update')),
    '--name': text('<cell_name>', 'Set the cell name'),
    '--transport-url': text('<transport_url>', 'Set the cell transport_url'),
    '--database_connection': text('<database_connection>', 'Set the cell database_connection'),
    '--disable': flag('Nothing new is placed in the cell'),
    '--enable': flag('New servers may be placed in the cell'),
  },
  async run(given, context) {
    const { world, out } = context
    const { '--cell_uuid': uuid, '--name': name, '--disable': disable, '--enable': enable } = given
    const store = await world.store()
    const cell = await store.cellMappings.find(uuid)
    if (cell === undefined) return { exitCode: 1, text: `Cell with uuid ${uuid} was not found.` }
    const transportUrl = transportUrlFrom(given['--transport-url'], context)
    const databaseUrl = databaseUrlFrom(given['--database_connection'], context)
    if (transportUrl === undefined) return 2
    if (databaseUrl === undefined && given['--database_connection'] !== undefined) return 2
    const databaseConnection = databaseUrl ?? cell.databaseConnection
    if (await isTaken(store, { transportUrl, databaseUrl: databaseConnection }, context, cell)) return 3
    if (disable && enable) return { exitCode: 4, text: 'Cell cannot be disabled and enabled at the same time.' }
    if (disable || enable) {
      if (isCell0(cell)) return { exitCode: 5, text: 'Cell0 cannot be disabled.' }
      if (disable === cell.isDisabled) out.say(`Cell ${uuid} is already ${disable ? 'disabled' : 'enabled'}`)
    }
    const change = {
      transportUrl,
      databaseConnection,
      ...(name === undefined || name === '' ? {} : { name }),
      ...(disable || enable ? { isDisabled: disable } : {}),
    }
    await store.cellMappings.change(uuid, change, world.clock.now())
    return 0
  },
})
