/** Several cells in the process of the harness: each has its own database file, its own bus, conductor and hosts. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Closers, newUuid } from '#base'
import { type Bus, conductorContract, InProcessBus } from '#bus'
import type { Conductor } from '#conductor'
import type { LoadOptions } from '#config'
import { type Cell, type CellDirectory, cell0Uuid, type Store } from '#store'
import { type Cells, openCells } from '../../src/allinone/compose/cells.ts'
import { composeConductor } from '../../src/allinone/compose/control.ts'
import type { Neighbours, WithStore } from '../../src/allinone/compose/shared.ts'
import { databaseAt, isOnMysql } from '../database/index.ts'

/** Hosts by the name of their cell; null for a cell whose database is away. */
export type CellWishes = Readonly<Record<string, readonly string[] | null>>

export interface CellPlaces {
  readonly folder: string
  readonly cell0: string
  readonly config: NonNullable<LoadOptions['overrides']>
}

export async function cellPlaces(folder: string): Promise<CellPlaces> {
  const [api, cell0] = [await databaseAt(folder, 'api'), await databaseAt(folder, 'cell0')]
  const database = { connection: cell0, sqlite_synchronous: false }
  return { folder, cell0, config: { database, api_database: { ...database, connection: api } } }
}

/** The URL of a database that cannot be opened. */
function brokenDatabase(folder: string, name: string): string {
  if (isOnMysql) return 'mysql+pymysql://nova:nova@127.0.0.1:1/nova'
  const file = join(folder, `${name}.sqlite`)
  writeFileSync(file, 'this is no database, whoever opens it\n'.repeat(100))
  return `sqlite:///${file}`
}

export interface TestCells extends Cells {
  readonly directory: CellDirectory
  readonly hosts: readonly string[]
  /** By name. */
  uuidOf(name: string): string
  /** Where its database is, when it is a file. */
  fileOf(name: string): string
  /** A cell's database. */
  storeOf(name: string): Promise<Store>
  busOfHost(host: string): Bus
  startConductors(shared: WithStore, ports: Neighbours, closers: Closers): Promise<void>
  followServers(serverIds: readonly string[]): Promise<void>
}

/** Writes the mappings down, and opens what they name. */
export async function openTestCells(
  wanted: CellWishes,
  { folder, cell0 }: CellPlaces,
  shared: WithStore,
  closers: Closers,
): Promise<TestCells> {
  const { store, clock } = shared
  const uuids = new Map<string, string>()
  const cellOfHost = new Map<string, string>()
  const map = (uuid: string, name: string, transportUrl: string, databaseConnection: string) =>
    store.cellMappings.add({ uuid, name, transportUrl, databaseConnection, isDisabled: false }, clock.now())
  await map(cell0Uuid, 'cell0', 'none:///', cell0)
  for (const [name, hosts] of Object.entries(wanted)) {
    const uuid = newUuid()
    uuids.set(name, uuid)
    const url = hosts === null ? brokenDatabase(folder, name) : await databaseAt(folder, name)
    await map(uuid, name, `unix:///bus-of-${name}`, url)
    for (const host of hosts ?? []) {
      cellOfHost.set(host, name)
      await store.hostMappings.add({ host, cellUuid: uuid }, clock.now())
    }
  }
  const { directory, close } = openCells(shared)
  closers.add(close)
  const buses = new Map<string, Bus>([[shared.config.DEFAULT.transport_url, shared.bus]])
  const busAt = (url: string): Bus => {
    const bus = buses.get(url) ?? new InProcessBus()
    buses.set(url, bus)
    return bus
  }
  const busOf = (cell: Cell) => busAt(cell.transportUrl)
  const uuidOf = (name: string): string => {
    const uuid = uuids.get(name)
    if (uuid === undefined) throw new Error(`no cell ${name}`)
    return uuid
  }
  const conductorOf = (cell: Cell) => busOf(cell).client(conductorContract)
  return {
    directory,
    close,
    busOf,
    hosts: [...cellOfHost.keys()],
    uuidOf,
    fileOf: name => join(folder, `${name}.sqlite`),
    async storeOf(name) {
      const cell = await directory.find(uuidOf(name))
      if (cell === undefined) throw new Error(`no cell ${name}`)
      return cell.store()
    },
    busOfHost: host => busAt(`unix:///bus-of-${cellOfHost.get(host)}`),
    async startConductors(own, ports, ends) {
      const engines: Conductor['engine'][] = []
      const onSaga = (what: 'wake' | 'interrupt', sagaId: string) => {
        for (const engine of engines) engine[what](sagaId)
      }
      const wake = async (cell: Cell, sagaId: string) => {
        await conductorOf(cell).wake({ sagaId })
      }
      for (const cell of await directory.list()) {
        if (wanted[cell.name ?? ''] === null) continue
        const inCell = { ...own, store: await cell.store(), bus: busOf(cell) }
        const place = { directory, own: cell, busOf, wake }
        const how = { isAlone: cell.isOwn, isOutside: !cell.isOwn, onSaga, cells: place }
        const conductor = await composeConductor(inCell, ports, how)
        ends.add(() => conductor.stop())
        engines.push(conductor.engine)
      }
    },
    async followServers(ids) {
      for (const instanceId of ids)
        await conductorOf(await directory.ofServer(instanceId)).refreshNetwork({ instanceId })
    },
  }
}
