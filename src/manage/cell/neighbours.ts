import { parseTransportUrl } from '#bus'
import { wrongInCellName } from '#model'
import type { StoredNeighbourCell } from '#store'
import { type Argument, BadValue, required, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { table } from '../kit/table.ts'

const number = (metavar: string, help: string, fallback: number): Argument<number> => ({
  kind: 'one',
  metavar,
  help,
  isRequired: false,
  fallback,
  read: given => {
    const value = Number(given)
    if (given.trim() === '' || !Number.isFinite(value)) throw new BadValue(`invalid float value: '${given}'`)
    return value
  },
})

const oneOf = (metavar: string, help: string, choices: readonly string[]): Argument<string | undefined> => ({
  ...text(metavar, help),
  read: given => {
    if (!choices.includes(given)) throw new BadValue(`choose from ${choices.join(', ')}`)
    return given
  },
})

interface BrokerWords {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly hosts: string | undefined
  readonly hostname: string | undefined
  readonly port: string | undefined
  readonly virtualHost: string | undefined
}

/** `user:password@host:port,…` as it is given, or put together from its parts. */
function transportUrlOf({ username, password, hosts, hostname, port, virtualHost = '' }: BrokerWords): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  const account = username === undefined ? '' : `${encodeURIComponent(username)}${secret}@`
  const literal = hostname?.includes(':') === true ? `[${hostname}]` : (hostname ?? '')
  const at = hosts ?? `${account}${literal}${port === undefined ? '' : `:${port}`}`
  return `rabbit://${at}/${encodeURIComponent(virtualHost.replace(/^\//, ''))}`
}

const port: Argument<string | undefined> = {
  ...text('<number>', 'Port number of the message broker of this cell'),
  read: given => {
    if (!/^\d{1,5}$/.test(given) || Number(given) > 65_535) throw new BadValue(`invalid port: '${given}'`)
    return given
  },
}

/** Exit 2: a wrong name or URL, or one that is taken. */
export const createCell = command({
  name: 'create',
  help: 'Add a neighbour of this cell. Nova-cells sees it within [cells] db_check_interval.',
  arguments: {
    '--name': required(text('<name>', 'Name for the new cell')),
    '--cell_type': oneOf('<parent|api|child|compute>', 'Whether the cell is parent/api or child/compute', [
      'parent',
      'api',
      'child',
      'compute',
    ]),
    '--username': text('<username>', 'Username for the message broker in this cell'),
    '--password': text('<password>', 'Password for the message broker in this cell'),
    '--broker_hosts': text(
      '<broker_hosts>',
      'user:password@host:port with commas between, instead of the single words',
    ),
    '--hostname': text('<hostname>', 'Address of the message broker in this cell'),
    '--port': port,
    '--virtual_host': text('<virtual_host>', 'The virtual host of the message broker in this cell'),
    '--transport-url': text('<transport_url>', 'All of that as one URL; unix:///folder too'),
    '--woffset': number('<float>', 'Weight that is added for this cell', 0),
    '--wscale': number('<float>', 'Kept, without effect', 1),
  },
  async run(given, { world }) {
    const { '--name': name, '--cell_type': type } = given
    const isParent = type === 'parent' || type === 'api'
    const transportUrl =
      given['--transport-url'] ??
      transportUrlOf({
        username: given['--username'],
        password: given['--password'],
        hosts: given['--broker_hosts'],
        hostname: given['--hostname'],
        port: given['--port'],
        virtualHost: given['--virtual_host'],
      })
    const wrong = wrongInCellName(name)
    if (wrong !== undefined) return { exitCode: 2, text: `Invalid cell name '${name}': ${wrong}.` }
    parseTransportUrl(transportUrl)
    const weights = { weightOffset: given['--woffset'], weightScale: given['--wscale'] }
    const store = await world.store()
    const cell = { name, isParent, transportUrl, ...weights }
    const isNew = await store.novaCells.neighbours.create(cell, world.clock.now())
    return isNew ? 0 : { exitCode: 2, text: `Cell ${name} already exists.` }
  },
})

/** Exit 1: there is no such cell. */
export const deleteCell = command({
  name: 'delete',
  help: 'Remove a neighbour of this cell.',
  arguments: { '--cell_name': required(text('<cell_name>', 'Name of the cell to delete')) },
  async run({ '--cell_name': name }, { world }) {
    const isGone = await (await world.store()).novaCells.neighbours.delete(name)
    return isGone ? 0 : { exitCode: 1, text: `Cell ${name} was not found.` }
  },
})

function shown({ number: id, name, isParent, transportUrl }: StoredNeighbourCell) {
  const { hosts, virtualHost } = parseTransportUrl(transportUrl)
  const [broker] = hosts
  return {
    id,
    name,
    type: isParent ? 'parent' : 'child',
    username: broker?.user ?? null,
    hostname: broker?.host ?? null,
    port: broker?.port ?? null,
    virtual_host: virtualHost,
  }
}

export const listCells = command({
  name: 'list',
  help: 'List the neighbours of this cell.',
  arguments: {},
  async run(_given, { world }) {
    const cells = (await (await world.store()).novaCells.neighbours.list()).map(shown)
    const head = ['Id', 'Name', 'Type', 'Username', 'Hostname', 'Port', 'Virtual Host']
    const rows = cells.map(cell => Object.values(cell).map(value => String(value ?? '')))
    return { exitCode: 0, text: table(head, rows), value: cells }
  },
})
