/**
 * The tree api > west > far: each cell with a virtual host of its own at the broker, a database, and a placement; identity,
 * images and network are everybody's. Nova-cells are processes; what a cell has besides runs here, on its own bus. Into
 * the virtual host of a neighbour lead only the users of nova-cells, each over a link of its own.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Closers, newRequestId, newUuid, silentLog, systemClock } from '#base'
import { type CellWish, type FarCells, type FarRequest, RabbitBus } from '#bus'
import { farCellsOver } from '#cells'
import type { Caller } from '#cloud'
import { loadConfig } from '#config'
import { listen } from '#http'
import type { FarReply } from '#model'
import { createPlacement } from '#placement'
import { openStore, type Store } from '#store'
import { busFromConfig } from '../../src/allinone/compose/bus.ts'
import { composeCompute } from '../../src/allinone/compose/compute.ts'
import { composeConductor, composeScheduler } from '../../src/allinone/compose/control.ts'
import { openDriver } from '../../src/allinone/compose/driver.ts'
import { neighboursFromConfig } from '../../src/allinone/compose/neighbours-from-config.ts'
import { credentials, ServiceProcess } from '../bin/processes.ts'
import { type BuiltIn, startBuiltIn } from '../cloud/neighbours.ts'
import { Broker, brokerUser, type Definitions } from './broker.ts'
import { Relay } from './relay.ts'

const names = ['api', 'west', 'far'] as const
export type CellName = (typeof names)[number]

/** From a cell to a neighbour. */
const links = ['api>west', 'west>api', 'west>far', 'far>west'] as const
export type LinkName = (typeof links)[number]
const endsOf = (link: LinkName) => link.split('>') as [CellName, CellName]
const linkUser = (link: LinkName) => link.replace('>', '-at-')

const everything = { configure: '.*', write: '.*', read: '.*' }

const definitions: Definitions = {
  vhosts: names.map(name => ({ name })),
  users: [...names, ...links.map(linkUser)].map(name => brokerUser(name, 'secret')),
  permissions: [
    ...names.map(name => ({ user: name, vhost: name, ...everything })),
    ...links.map(link => ({ user: linkUser(link), vhost: endsOf(link)[1], ...everything })),
  ],
}

export interface Cell {
  readonly store: Store
  readonly process: ServiceProcess
  readonly configFile: string
  /** One more nova-cells of the same cell. */
  readonly another: ServiceProcess
}

export interface CellTreeCloud {
  readonly builtIn: BuiltIn
  readonly broker: Broker
  readonly relays: Readonly<Record<LinkName, Relay>>
  readonly cell: Readonly<Record<CellName, Cell>>
  /** As nova-api of the cell api has it. */
  readonly far: FarCells
  readonly caller: Caller
  ask(cell: string, method: FarRequest['method'], path: string, body?: unknown, id?: string): Promise<FarReply>
  wish(more?: Partial<CellWish>): CellWish
  close(): Promise<void>
}

const configOf = (at: {
  name: CellName
  folder: string
  url: string
  identity: string
  placement: string
  memoryMiB: number
}): string => `[DEFAULT]
host = host-${at.name}
state_path = ${at.folder}
transport_url = ${at.url}
compute_driver = fake.FakeDriver
[simulated_host]
memory_mb = ${at.memoryMiB}
[cells]
enable = true
name = ${at.name}
cell_type = ${at.name === 'api' ? 'api' : 'compute'}
capabilities = region=${at.name}
call_timeout = 25
mute_child_interval = 4
db_check_interval = 2
scheduler_retries = 1
scheduler_retry_delay = 0
[quota]
instances = -1
cores = -1
ram = -1
[database]
connection = sqlite:///${join(at.folder, `${at.name}.sqlite`)}
[keystone_authtoken]
${credentials(at.identity)}
[service_user]
send_service_user_token = true
auth_section = keystone_authtoken
[neutron]
${credentials(`${at.identity}/v3`)}
[placement]
${credentials(at.identity)}endpoint_override = ${at.placement}
`

export async function startCellTree(memoryMiB: Readonly<Record<CellName, number>>): Promise<CellTreeCloud> {
  const closers = new Closers()
  try {
    return await start(closers, memoryMiB)
  } catch (error) {
    await closers.close()
    throw error
  }
}

async function start(closers: Closers, memoryMiB: Readonly<Record<CellName, number>>): Promise<CellTreeCloud> {
  const [builtIn, broker] = await Promise.all([startBuiltIn(), Broker.start({ definitions })])
  closers.add(() => builtIn.close())
  closers.add(() => broker.close())
  const relays = {} as Record<LinkName, Relay>
  for (const link of links) {
    relays[link] = await Relay.start(broker.port)
    closers.add(() => relays[link].close())
  }
  const cell = {} as Record<CellName, Cell>
  for (const name of names) cell[name] = await openCell(closers, builtIn, broker, name, memoryMiB[name])
  for (const link of links) {
    const [from, to] = endsOf(link)
    const transportUrl = `rabbit://${linkUser(link)}:secret@127.0.0.1:${relays[link].port}/${to}`
    const isParent = names.indexOf(to) < names.indexOf(from)
    await cell[from].store.novaCells.neighbours.create(
      { name: to, isParent, transportUrl, weightOffset: 0, weightScale: 1 },
      0,
    )
  }
  for (const name of ['west', 'far'] as const) await openServices(closers, cell[name])
  await Promise.all(names.map(name => cell[name].process.start()))
  const bus = new RabbitBus({ url: broker.url('api', 'secret', 'api'), log: silentLog })
  closers.add(() => bus.close())
  const far = farCellsOver(bus)
  const caller = await builtIn.identity.serviceCaller()
  return {
    builtIn,
    broker,
    relays,
    cell,
    far,
    caller,
    ask: (where, method, path, body, id = newUuid()) =>
      far.request(where, { id, method, path, body, caller, requestId: newRequestId(), microversion: '2.90' }),
    wish: (more = {}) => ({
      caller,
      requestId: newRequestId(),
      memoryMiB: 512,
      diskMiB: 1024,
      count: 1,
      imageProperties: {},
      hints: {},
      ...more,
    }),
    close: () => closers.close(),
  }
}

async function openCell(
  closers: Closers,
  builtIn: BuiltIn,
  broker: Broker,
  name: CellName,
  memoryMiB: number,
): Promise<Cell> {
  const { identity, urls } = builtIn
  const folder = join(builtIn.folder, name)
  mkdirSync(folder)
  const databaseUrl = `sqlite:///${join(folder, `placement-${name}.sqlite`)}`
  const placement = await createPlacement({ databaseUrl, identity, log: silentLog, clock: systemClock })
  closers.add(() => placement.close())
  const port = await listen(placement.face, { service: 'placement', host: '127.0.0.1', port: 0 })
  const configFile = join(folder, `${name}.conf`)
  writeFileSync(
    configFile,
    configOf({
      name,
      folder,
      url: broker.url(name, 'secret', name),
      identity: urls.identity,
      placement: `http://127.0.0.1:${port}`,
      memoryMiB,
    }),
  )
  const url = `sqlite:///${join(folder, `${name}.sqlite`)}`
  const store = await openStore(url)
  closers.add(() => store.close())
  const process = new ServiceProcess('nova-cells', configFile, folder)
  const otherFolder = join(folder, 'another')
  mkdirSync(otherFolder)
  const otherFile = join(otherFolder, 'nova.conf')
  writeFileSync(otherFile, readFileSync(configFile, 'utf8').replace(/^host = .*$/m, `host = another-${name}`))
  const another = new ServiceProcess('nova-cells', otherFile, otherFolder)
  for (const one of [process, another]) closers.add(() => one.end('SIGKILL'))
  return { store, process, configFile, another }
}

/** Everything that a cell has besides nova-cells; in one process on one connection to its file. */
async function openServices(closers: Closers, { store, configFile }: Cell): Promise<void> {
  const config = loadConfig({ files: [configFile] })
  const at = { config, clock: systemClock, log: silentLog }
  const bus = busFromConfig(at)
  closers.add(() => bus.close())
  const neighbours = neighboursFromConfig(at)
  closers.add(() => neighbours.close())
  const shared = { ...at, bus, store }
  const conductor = await composeConductor(shared, neighbours, { isAlone: true })
  closers.add(() => conductor.stop())
  closers.add(await composeScheduler(shared, neighbours))
  const driver = await openDriver({ ...at, images: () => neighbours.images, keys: () => neighbours.keys })
  closers.add(() => driver.close())
  const { host, state_path: statePath } = config.DEFAULT
  const agent = await composeCompute({ ...at, bus }, driver, { host, statePath, images: () => neighbours.images })
  closers.add(() => agent.stop())
  await bus.ready()
}
