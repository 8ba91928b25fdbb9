import { type CellMapping, type Discovery, discoverHosts } from '#store'
import { flag, required, text } from '../kit/arguments.ts'
import { command, type Output } from '../kit/command.ts'
import { table } from '../kit/table.ts'
import { getCell, storeOfCell } from './mappings.ts'

const titleOf = ({ name, uuid }: CellMapping): string => (name === null ? `: ${uuid}` : ` '${name}': ${uuid}`)

function tell({ cell, seen, added, taken }: Discovery, kind: 'compute host' | 'service', out: Output): void {
  out.say(`Getting computes from cell${titleOf(cell)}`)
  for (const { host, uuid } of seen) out.say(`Checking host mapping for ${kind} '${host}': ${uuid}`)
  for (const { host, uuid } of added) out.say(`Creating host mapping for ${kind} '${host}': ${uuid}`)
  for (const { host } of taken) out.say(`Host '${host}' is mapped to another cell already; two must not have one name`)
  out.say(`Found ${added.length} unmapped computes in cell: ${cell.uuid}`)
}

/** Exit 1 with --strict: none was new; 255: a cell could not be asked. May be run by several at a time. */
export const discover = command({
  name: 'discover_hosts',
  help: 'Map hosts that are in no cell yet to the cell that they are found in.',
  arguments: {
    '--cell_uuid': text('<cell_uuid>', 'If provided only this cell will be searched for new hosts to map'),
    '--verbose': flag('Provide detailed output when discovering hosts'),
    '--strict': flag('Exit with 0 only when an unmapped host is discovered'),
    '--by-service': flag('Discover hosts by service instead of compute node'),
  },
  async run({ '--cell_uuid': uuid, '--verbose': verbose, '--strict': strict, '--by-service': byService }, context) {
    const { world, out } = context
    const own = await world.store()
    const cells = uuid === undefined ? await own.cellMappings.list() : [await getCell(own, uuid)]
    if (verbose && uuid === undefined) out.say(`Found ${cells.length} cell mappings.`)
    const cloud = { own, directory: await world.cells() }
    const found = await discoverHosts(cloud, { cells, byService, nowMs: world.clock.now() })
    const failed = found.filter(one => one.error !== undefined)
    for (const one of verbose ? found : []) tell(one, byService ? 'service' : 'compute host', out)
    for (const { cell, error } of failed) out.say(`ERROR: cell ${cell.name ?? cell.uuid}: ${(error as Error).message}`)
    const added = found.flatMap(({ cell, added: hosts }) => hosts.map(({ host }) => ({ host, cell_uuid: cell.uuid })))
    const exitCode = failed.length > 0 ? 255 : strict && added.length === 0 ? 1 : 0
    return { exitCode, value: { hosts: added, failed_cells: failed.map(({ cell }) => cell.uuid) } }
  },
})

/** Exit 1: no such cell. */
export const listHosts = command({
  name: 'list_hosts',
  help: 'List the hosts of one cell or of all.',
  arguments: { '--cell_uuid': text('<cell_uuid>', 'The uuid of the cell') },
  async run({ '--cell_uuid': uuid }, { world }) {
    const store = await world.store()
    const cells = new Map((await store.cellMappings.list()).map(cell => [cell.uuid, cell]))
    if (uuid !== undefined && !cells.has(uuid)) return { exitCode: 1, text: `Cell with uuid ${uuid} was not found.` }
    const hosts = (await store.hostMappings.list(uuid)).map(({ host, cellUuid }) => ({
      cell_name: cells.get(cellUuid)?.name ?? null,
      cell_uuid: cellUuid,
      hostname: host,
    }))
    return { exitCode: 0, text: table(['Cell Name', 'Cell UUID', 'Hostname'], hosts.map(Object.values)), value: hosts }
  },
})

/** Exit 1: no such cell; 2: no such host; 3: it is in another cell; 4: it has servers. */
export const deleteHost = command({
  name: 'delete_host',
  help: 'Take a host out of its cell. It comes back with discover_hosts as long as its nova-compute reports.',
  arguments: {
    '--cell_uuid': required(text('<cell_uuid>', 'The uuid of the cell')),
    '--host': required(text('<host>', 'The host to delete')),
  },
  async run({ '--cell_uuid': uuid, '--host': host }, { world }) {
    const store = await world.store()
    if ((await store.cellMappings.find(uuid)) === undefined)
      return { exitCode: 1, text: `Cell with uuid ${uuid} was not found.` }
    const cellUuid = await store.hostMappings.cellOf(host)
    if (cellUuid === undefined) return { exitCode: 2, text: `The host ${host} was not found.` }
    if (cellUuid !== uuid) return { exitCode: 3, text: `The host ${host} was not found in the cell ${uuid}.` }
    const cell = await storeOfCell(await world.cells(), uuid)
    if ((await cell.instances.idsByHost([host])).size > 0)
      return { exitCode: 4, text: `There are instances on the host ${host}.` }
    await store.hostMappings.remove(host)
    return 0
  },
})
