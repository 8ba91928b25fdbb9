import { Aggregates } from './api-db/aggregates.ts'
import { CellMappings } from './api-db/cell-mappings.ts'
import { Decisions } from './api-db/decisions.ts'
import { Flavors } from './api-db/flavors.ts'
import { HostMappings } from './api-db/host-mappings.ts'
import { InstanceMappings } from './api-db/instance-mappings.ts'
import { Keypairs } from './api-db/keypairs.ts'
import { apiMigrations } from './api-db/migrations.ts'
import { OldRequestSpecs } from './api-db/old-request-specs.ts'
import { Quotas } from './api-db/quotas.ts'
import { RequestSpecs } from './api-db/request-specs.ts'
import { apiTables } from './api-db/schema.ts'
import { ServerGroups } from './api-db/server-groups.ts'
import { Actions } from './cell-db/actions.ts'
import { Archive } from './cell-db/archive.ts'
import { BlockDevices } from './cell-db/block-devices.ts'
import { ComputeNodes } from './cell-db/compute-nodes.ts'
import { ConsoleTokens } from './cell-db/console-tokens.ts'
import { Faults } from './cell-db/faults.ts'
import { HostClaims } from './cell-db/host-claims.ts'
import { type HostMarks, readHostMarks } from './cell-db/host-marks.ts'
import { Instances } from './cell-db/instances.ts'
import { LaunchSecrets } from './cell-db/launch-secrets.ts'
import { cellMigrations } from './cell-db/migrations.ts'
import { Moves } from './cell-db/moves.ts'
import { NovaCells } from './cell-db/nova-cells/index.ts'
import { Outbox } from './cell-db/outbox.ts'
import { PciDevices } from './cell-db/pci-devices.ts'
import { Sagas } from './cell-db/sagas.ts'
import { ServerShares } from './cell-db/server-shares.ts'
import { Services } from './cell-db/services.ts'
import { Tags } from './cell-db/tags.ts'
import { TaskLog } from './cell-db/task-log.ts'
import { VolumeUsages } from './cell-db/volume-usages.ts'
import { ServerCarrier } from './cells/server-rows.ts'
import {
  type DatabaseOptions,
  inTransaction,
  type Migration,
  migrate,
  openDatabase,
  takeTurns,
} from './engine/index.ts'
import { HeldTurns } from './held-turns.ts'
import type { Db, Tables } from './tables.ts'
import { isOfApi } from './turns.ts'

/** Nova's databases, one member per aggregate root; inside `transaction` the same members are bound to it. */
export interface Store {
  readonly flavors: Flavors
  readonly keypairs: Keypairs
  readonly quotas: Quotas
  readonly aggregates: Aggregates
  readonly requestSpecs: RequestSpecs
  readonly serverGroups: ServerGroups
  readonly cellMappings: CellMappings
  readonly hostMappings: HostMappings
  readonly instanceMappings: InstanceMappings
  /** What the scheduler decided, and why. */
  readonly decisions: Decisions
  readonly instances: Instances
  readonly blockDevices: BlockDevices
  readonly serverShares: ServerShares
  readonly launchSecrets: LaunchSecrets
  readonly consoleTokens: ConsoleTokens
  readonly tags: Tags
  readonly taskLog: TaskLog
  readonly faults: Faults
  readonly actions: Actions
  /** Records of moves between hosts and flavors: Nova's migrations. */
  readonly moves: Moves
  readonly services: Services
  readonly computeNodes: ComputeNodes
  /** What servers have of hosts by name; see `claimHost`. */
  readonly hostClaims: HostClaims
  readonly pciDevices: PciDevices
  /** Numbers that move with services, nodes, aggregates and free devices; see `host-marks.ts`. */
  hostMarks(): Promise<HostMarks>
  readonly sagas: Sagas
  /** Rows of servers, as they go from one cell's database to another's. */
  readonly serverCarrier: ServerCarrier
  /** Rows of deleted servers, out of the way. */
  readonly archive: Archive
  /** Neighbouring cells, and requests that came from them. */
  readonly novaCells: NovaCells
  /** What servers have read from and written to their volumes. */
  readonly volumeUsages: VolumeUsages
  /** Notifications that wait to be sent. */
  readonly outbox: Outbox
  /**
   * All or nothing. Calls may not be nested. `work` may run more than once, as a deadlock takes the writes of a run back:
   * it has no other effect than what it writes.
   */
  transaction<T>(work: (tx: Store) => Promise<T>): Promise<T>
  /**
   * In a transaction that decides by what it reads, before it reads: of those that decide about the same thing one runs at a
   * time. See `turnOf` for the things. Outside a transaction it is nothing.
   */
  turn(...about: string[]): Promise<void>
  /**
   * The same for what is decided by more than one database: the turns are taken before `work` and let go after it, whatever
   * transactions are in between, which must not take them again. Turns about what is the API's only.
   */
  hold<T>(about: readonly string[], work: () => Promise<T>): Promise<T>
  /**
   * For reads that may lag behind what was written: from the replica where there is one. Lists of the API are served from it
   * only where the operator says so.
   */
  mayLag(what: 'reports' | 'lists'): Store
  close(): Promise<void>
}

export interface StoreOptions extends DatabaseOptions {
  /** The database of the API's tables, on the same server, when it is not the cell's. */
  readonly apiDatabase?: string
  /** The same on another server: what belongs to both is then no longer one transaction. */
  readonly apiServer?: { readonly url: string; readonly options: DatabaseOptions }
  readonly replica?: { readonly url: string; readonly servesLists: boolean }
}

/** Where the rows are: `api` what is known once for all cells, `cell` the rest. */
interface Databases {
  readonly api: Db
  readonly cell: Db
}

/** In no transaction; those who wait for each other elsewhere would not be found. */
const holding =
  (api: Db): Store['hold'] =>
  async (about, work) => {
    const held = new HeldTurns(api)
    try {
      await held.take(about)
      return await work()
    } finally {
      await held.end()
    }
  }

const bind = ({ api, cell }: Databases, transaction: Store['transaction'], turn: Store['turn']): Store => ({
  flavors: new Flavors(api),
  keypairs: new Keypairs(api),
  quotas: new Quotas(api),
  aggregates: new Aggregates(api),
  serverGroups: new ServerGroups(api),
  cellMappings: new CellMappings(api),
  hostMappings: new HostMappings(api),
  instanceMappings: new InstanceMappings(api),
  decisions: new Decisions(api),
  requestSpecs: new RequestSpecs(cell),
  instances: new Instances(cell),
  blockDevices: new BlockDevices(cell),
  serverShares: new ServerShares(cell),
  launchSecrets: new LaunchSecrets(cell),
  consoleTokens: new ConsoleTokens(cell),
  tags: new Tags(cell),
  taskLog: new TaskLog(cell),
  faults: new Faults(cell),
  actions: new Actions(cell),
  moves: new Moves(cell),
  services: new Services(cell),
  computeNodes: new ComputeNodes(cell),
  hostClaims: new HostClaims(cell),
  pciDevices: new PciDevices(cell),
  hostMarks: () => readHostMarks(cell, api),
  sagas: new Sagas(cell),
  serverCarrier: new ServerCarrier(cell),
  archive: new Archive(cell),
  novaCells: new NovaCells(cell),
  volumeUsages: new VolumeUsages(cell),
  outbox: new Outbox(cell),
  transaction,
  turn,
  hold: holding(api),
  mayLag() {
    return this
  },
  close: () => cell.destroy(),
})

// A turn ends with its transaction, and outside of one at once.
const noTurn: Store['turn'] = async () => undefined

const noNesting: Store['transaction'] = () => Promise.reject(new Error('transactions are not nested'))

/** Rows of both kinds in one transaction. */
const together = (db: Db): Store =>
  bind(
    { api: db, cell: db },
    work => inTransaction(db, tx => work(bind({ api: tx, cell: tx }, noNesting, (...about) => takeTurns(tx, about)))),
    noTurn,
  )

/**
 * The API's tables are on another server. A transaction is one of the cell; what it writes of the API's is written at once
 * and stays, so that it has to be what a second run would write again.
 */
const apart = (api: Db, cell: Db): Store =>
  bind(
    { api, cell },
    async work => {
      const held = new HeldTurns(api)
      const turnIn =
        (tx: Db): Store['turn'] =>
        async (...about) => {
          await takeTurns(
            tx,
            about.filter(name => !isOfApi(name)),
          )
          await held.take(about.filter(isOfApi))
        }
      try {
        return await inTransaction(cell, tx => work(bind({ api, cell: tx }, noNesting, turnIn(tx))))
      } finally {
        await held.end()
      }
    },
    noTurn,
  )

/** Opens a database and brings these schemas in it to the newest migration. */
async function opened(
  url: string,
  options: DatabaseOptions,
  schemas: Readonly<Record<string, readonly Migration[]>>,
): Promise<Db> {
  const db = openDatabase<Tables>(url, options)
  try {
    for (const [schema, migrations] of Object.entries(schemas)) await migrate(db, schema, migrations)
    return db
  } catch (error) {
    await db.destroy()
    throw error
  }
}

/** What only the API's database knows, where no cell's database need be there. */
export interface ApiStore {
  readonly cellMappings: CellMappings
  readonly oldRequestSpecs: OldRequestSpecs
  close(): Promise<void>
}

export async function openApiStore(url: string, options: DatabaseOptions = {}): Promise<ApiStore> {
  const db = await opened(url, options, { api: apiMigrations })
  return {
    cellMappings: new CellMappings(db),
    oldRequestSpecs: new OldRequestSpecs(db),
    close: () => db.destroy(),
  }
}

/** Opens and migrates. `url` as nova.conf has it: `sqlite:////path`, `sqlite://`, `mysql+pymysql://user:password@host/nova`. */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const { apiDatabase, apiServer, replica, ...rest } = options
  const how = apiDatabase === undefined ? rest : { ...rest, elsewhere: { database: apiDatabase, tables: apiTables } }
  const api =
    apiServer === undefined ? undefined : await opened(apiServer.url, apiServer.options, { api: apiMigrations })
  const bound = (db: Db) => (api === undefined ? together(db) : apart(api, db))
  try {
    const cell = await opened(url, how, { ...(api === undefined ? { api: apiMigrations } : {}), cell: cellMigrations })
    const copyDb = replica === undefined ? undefined : openDatabase<Tables>(replica.url, { ...how, isReplica: true })
    const copy = copyDb === undefined ? undefined : bound(copyDb)
    const store = bound(cell)
    return {
      ...store,
      mayLag: what => (copy !== undefined && (what === 'reports' || replica?.servesLists === true) ? copy : store),
      async close() {
        await copyDb?.destroy()
        await cell.destroy()
        await api?.destroy()
      },
    }
  } catch (error) {
    await api?.destroy()
    throw error
  }
}
