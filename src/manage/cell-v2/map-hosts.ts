import { newUuid } from '#base'
import { type CellDirectory, cell0Uuid, type Store } from '#store'
import { flag, text } from '../kit/arguments.ts'
import { type CommandContext, command } from '../kit/command.ts'
import { ownDatabaseUrl } from '../own-database.ts'
import { transportUrlFrom } from './addresses.ts'
import { keepInSight } from './mappings.ts'

/** The cell that this process's own database is, or shall be. */
export interface OwnCell {
  readonly uuid: string
  /** Its hosts that no cell has yet. */
  readonly newHosts: readonly string[]
  readonly isMapped: boolean
}

interface Options {
  readonly transportUrl: string
  readonly name?: string | undefined
  readonly verbose?: boolean
}

async function ownCellUuid(store: Store, directory: CellDirectory): Promise<string | undefined> {
  const cell = (await directory.list()).find(one => one.isOwn && one.uuid !== cell0Uuid)
  return cell?.uuid
}

/**
 * Which cell the hosts of this database are in: that which one of them is in already, also if an earlier run was cut off
 * before it wrote down the cell; else the one with this database; else a new one. Undefined: there are no hosts, or all are
 * in a cell, which is said.
 */
export async function planOwnCell({ world, out }: CommandContext, verbose: boolean): Promise<OwnCell | undefined> {
  const store = await world.store()
  const nodes = await store.computeNodes.list()
  const hosts = [...new Set(nodes.map(node => node.host))]
  if (hosts.length === 0) {
    out.say('No hosts found to map to cell, exiting.')
    return undefined
  }
  const known = await store.hostMappings.known(hosts)
  for (const { host, cellUuid } of verbose ? known : []) out.say(`Host ${host} is already mapped to cell ${cellUuid}`)
  const mapped = new Set(known.map(({ host }) => host))
  const newHosts = hosts.filter(host => !mapped.has(host))
  if (newHosts.length === 0) out.say('All hosts are already mapped to cell(s).')
  const uuid = known.at(-1)?.cellUuid ?? (await ownCellUuid(store, await world.cells())) ?? newUuid()
  return { uuid, newHosts, isMapped: (await store.cellMappings.find(uuid)) !== undefined }
}

export async function mapHosts({ world }: CommandContext, { uuid, newHosts }: OwnCell): Promise<void> {
  const store = await world.store()
  for (const host of newHosts) await store.hostMappings.add({ host, cellUuid: uuid }, world.clock.now())
}

/** From now on it is a cell. */
export async function addOwnCell({ world }: CommandContext, { uuid }: OwnCell, options: Options): Promise<void> {
  const { transportUrl, name = null } = options
  const store = await world.store()
  const cell = { uuid, name, transportUrl, databaseConnection: ownDatabaseUrl(world), isDisabled: false }
  await store.cellMappings.add(cell, world.clock.now())
}

/** Exit 1: no transport URL. */
export const mapCellAndHosts = command({
  name: 'map_cell_and_hosts',
  help: 'Make the database of this nova.conf a cell, unless it is one, and map its hosts to it.',
  arguments: {
    '--transport-url': text('<transport_url>', 'The transport url for the cell message queue'),
    '--name': text('<cell_name>', 'The name of the cell'),
    '--verbose': flag('Output the uuid of the cell of newly mapped hosts, and which hosts were mapped already'),
  },
  async run({ '--transport-url': given, '--name': name, '--verbose': verbose }, context) {
    const transportUrl = transportUrlFrom(given, context)
    if (transportUrl === undefined) return 1
    const cell = await planOwnCell(context, verbose)
    if (cell === undefined) return 0
    await mapHosts(context, cell)
    if (!cell.isMapped) await addOwnCell(context, cell, { transportUrl, name })
    await keepInSight(context)
    if (verbose && cell.newHosts.length > 0) context.out.say(cell.uuid)
    return { exitCode: 0, value: { uuid: cell.uuid, hosts: cell.newHosts } }
  },
})
