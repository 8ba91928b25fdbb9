/** A cloud of two cells: nova-api, nova-scheduler and a nova-conductor for all of them, and a host in each. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Closers, newUuid, waitFor } from '#base'
import { cell0Uuid, openStore, type Store } from '#store'
import { startBuiltIn } from '../cloud/neighbours.ts'
import { type Cloud, novaConf, ServiceProcess } from './processes.ts'

/** Where databases and buses are, by the name of a cell, or `api`. */
export interface Places {
  databaseUrl(name: string): Promise<string>
  busUrl(name: string): string
  close(): Promise<void>
}

/** `folder`: of the built-in services; closed with them. */
export type OpenPlaces = (folder: string) => Promise<Places>

export const sqlitePlaces: OpenPlaces = async folder => ({
  databaseUrl: async name => `sqlite:///${join(folder, `${name}.sqlite`)}`,
  busUrl: name => `unix://${join(folder, `bus-${name}`)}`,
  close: async () => undefined,
})

export interface CellHost {
  readonly host: string
  /** Its state is here. */
  readonly folder: string
  readonly compute: ServiceProcess
}

export interface TestCell {
  readonly name: string
  readonly uuid: string
  /** The first of its hosts. */
  readonly host: string
  readonly hosts: readonly CellHost[]
  readonly databaseUrl: string
  /** Its database, as an operator sees it. */
  readonly store: Store
}

export interface CellCloud extends Cloud {
  readonly cells: readonly TestCell[]
  /** The API's database, and cell0's. */
  readonly home: Store
}

const superServices = ['nova-conductor', 'nova-scheduler', 'nova-api-os-compute'] as const

const connectionOf = (database: string, api: string) =>
  `[database]\nconnection = ${database}\n\n[api_database]\nconnection = ${api}\n`

/** Every host that a cell's conductor has heard of is in the cell. */
async function mapHosts(home: Store, cells: readonly TestCell[]): Promise<void> {
  for (const { hosts, uuid, store } of cells) {
    for (const { host } of hosts) {
      await waitFor(`${host} to be known`, async () => store.services.find(host, 'nova-compute'), {
        deadlineMs: 60_000,
      })
      await home.hostMappings.add({ host, cellUuid: uuid }, Date.now())
    }
  }
}

export interface CellWishes {
  readonly names?: readonly string[]
  readonly hostsPerCell?: number
  /** Further lines of [DEFAULT], and sections behind it. */
  readonly defaults?: string
}

export async function startCellCloud(openPlaces: OpenPlaces, wishes: CellWishes = {}): Promise<CellCloud> {
  const { names = ['cell1', 'cell2'], hostsPerCell = 1, defaults = '' } = wishes
  const closers = new Closers()
  try {
    const builtIn = await startBuiltIn()
    closers.add(() => builtIn.close())
    const { folder } = builtIn
    const places = await openPlaces(folder)
    closers.add(() => places.close())
    const api = await places.databaseUrl('api')
    const cell0 = await places.databaseUrl('cell0')
    const open = async (url: string) => {
      const store = await openStore(url, { apiServer: { url: api, options: {} } })
      closers.add(() => store.close())
      return store
    }
    const home = await open(cell0)
    const map = (uuid: string, name: string, transportUrl: string, databaseConnection: string) =>
      home.cellMappings.add({ uuid, name, transportUrl, databaseConnection, isDisabled: false }, Date.now())
    await map(cell0Uuid, 'cell0', 'none:///', cell0)
    const configFile = join(folder, 'nova.conf')
    const transportUrl = places.busUrl('api')
    const policyFile = join(folder, 'policy.yaml')
    writeFileSync(policyFile, '"compute:servers:resize:cross_cell": "role:admin or role:service"\n')
    const policy = `[oslo_policy]\npolicy_file = ${policyFile}\n`
    writeFileSync(
      configFile,
      novaConf(builtIn, { transportUrl, database: connectionOf(cell0, api) + policy, defaults }),
    )
    const service: Record<string, ServiceProcess> = {}
    const started = (name: ServiceProcess['name'], file: string, at: string) => {
      const process = new ServiceProcess(name, file, at)
      closers.add(() => process.end('SIGKILL'))
      return process
    }
    for (const name of [...superServices, 'nova-api-metadata', 'nova-api'] as const)
      service[name] = started(name, configFile, folder)
    const cells: TestCell[] = []
    for (const [i, name] of names.entries()) {
      const databaseUrl = await places.databaseUrl(name)
      const uuid = newUuid()
      const hosts = Array.from({ length: hostsPerCell }, (_, n) => {
        const host = `host-${i * hostsPerCell + n + 1}`
        const own = join(folder, host)
        mkdirSync(own, { recursive: true })
        const file = join(own, 'nova.conf')
        const text = { host, transportUrl: places.busUrl(name), database: '', defaults }
        writeFileSync(file, novaConf({ ...builtIn, folder: own }, text))
        return { host, folder: own, compute: started('nova-compute', file, own) }
      })
      await map(uuid, name, places.busUrl(name), databaseUrl)
      cells.push({ name, uuid, host: hosts[0]?.host ?? '', hosts, databaseUrl, store: await open(databaseUrl) })
    }
    const all = cells.flatMap(cell => cell.hosts)
    service['nova-compute'] = all[0]?.compute as ServiceProcess
    await Promise.all(superServices.map(name => service[name]?.start()))
    for (const { compute } of all) await compute.start()
    await mapHosts(home, cells)
    const close = () => closers.close()
    return { builtIn, configFile, service: service as Cloud['service'], cells, home, close }
  } catch (error) {
    await closers.close()
    throw error
  }
}
