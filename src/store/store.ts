import { Aggregates } from './api-db/aggregates.ts'
import { Decisions } from './api-db/decisions.ts'
import { Flavors } from './api-db/flavors.ts'
import { Keypairs } from './api-db/keypairs.ts'
import { apiMigrations } from './api-db/migrations.ts'
import { Quotas } from './api-db/quotas.ts'
import { RequestSpecs } from './api-db/request-specs.ts'
import { apiTables } from './api-db/schema.ts'
import { ServerGroups } from './api-db/server-groups.ts'
import { Actions } from './cell-db/actions.ts'
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
import { Outbox } from './cell-db/outbox.ts'
import { PciDevices } from './cell-db/pci-devices.ts'
import { Sagas } from './cell-db/sagas.ts'
import { ServerShares } from './cell-db/server-shares.ts'
import { Services } from './cell-db/services.ts'
import { Tags } from './cell-db/tags.ts'
import { TaskLog } from './cell-db/task-log.ts'
import { VolumeUsages } from './cell-db/volume-usages.ts'
import { type DatabaseOptions, inTransaction, migrate, openDatabase, takeTurns } from './engine/index.ts'
import type { Db, Tables } from './tables.ts'

/** Nova's databases, one member per aggregate root; inside `transaction` the same members are bound to it. */
export interface Store {
  readonly flavors: Flavors
  readonly keypairs: Keypairs
  readonly quotas: Quotas
  readonly aggregates: Aggregates
  readonly requestSpecs: RequestSpecs
  readonly serverGroups: ServerGroups
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
   * For reads that may lag behind what was written: from the replica where there is one. Lists of the API are served from it
   * only where the operator says so.
   */
  mayLag(what: 'reports' | 'lists'): Store
  close(): Promise<void>
}

export interface StoreOptions extends DatabaseOptions {
  /** The database of the API's tables, on the same server, when it is not the cell's. */
  readonly apiDatabase?: string
  readonly replica?: { readonly url: string; readonly servesLists: boolean }
}

const bind = (db: Db, turn: Store['turn']): Store => ({
  flavors: new Flavors(db),
  keypairs: new Keypairs(db),
  quotas: new Quotas(db),
  aggregates: new Aggregates(db),
  requestSpecs: new RequestSpecs(db),
  serverGroups: new ServerGroups(db),
  decisions: new Decisions(db),
  instances: new Instances(db),
  blockDevices: new BlockDevices(db),
  serverShares: new ServerShares(db),
  launchSecrets: new LaunchSecrets(db),
  consoleTokens: new ConsoleTokens(db),
  tags: new Tags(db),
  taskLog: new TaskLog(db),
  faults: new Faults(db),
  actions: new Actions(db),
  moves: new Moves(db),
  services: new Services(db),
  computeNodes: new ComputeNodes(db),
  hostClaims: new HostClaims(db),
  pciDevices: new PciDevices(db),
  hostMarks: () => readHostMarks(db),
  sagas: new Sagas(db),
  volumeUsages: new VolumeUsages(db),
  outbox: new Outbox(db),
  transaction: work => inTransaction(db, tx => work(bind(tx, (...about) => takeTurns(tx, about)))),
  turn,
  mayLag() {
    return this
  },
  close: () => db.destroy(),
})

// A turn ends with its transaction, and outside of one at once.
const noTurn: Store['turn'] = async () => undefined

function withReplica(store: Store, { url, servesLists }: NonNullable<StoreOptions['replica']>, o: DatabaseOptions) {
  const copy = bind(openDatabase<Tables>(url, { ...o, isReplica: true }), noTurn)
  return {
    ...store,
    mayLag: (what: 'reports' | 'lists') => (what === 'reports' || servesLists ? copy : store),
    async close() {
      await copy.close()
      await store.close()
    },
  }
}

/** Opens and migrates. `url` as nova.conf has it: `sqlite:////path`, `sqlite://`, `mysql+pymysql://user:password@host/nova`. */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const { apiDatabase, replica, ...rest } = options
  const elsewhere = apiDatabase === undefined ? {} : { elsewhere: { database: apiDatabase, tables: apiTables } }
  const db = openDatabase<Tables>(url, { ...rest, ...elsewhere })
  try {
    await migrate(db, 'api', apiMigrations)
    await migrate(db, 'cell', cellMigrations)
  } catch (error) {
    await db.destroy()
    throw error
  }
  const store = bind(db, noTurn)
  return replica === undefined ? store : withReplica(store, replica, { ...rest, ...elsewhere })
}
