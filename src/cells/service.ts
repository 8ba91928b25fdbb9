import { type Clock, Closers, type Log, namedUuid, newHexId, newUuid } from '#base'
import { type Bus, cellsContract, type FarRequest, intercellContract } from '#bus'
import type { Face } from '#http'
import type { CellCapabilities } from '#model'
import type { NovaCells, Store } from '#store'
import { addApiList, FarLists } from './list/far-list.ts'
import { CellMethods } from './messages/methods.ts'
import { CellRouter } from './messages/router.ts'
import { companionsOf } from './requests/companions.ts'
import { KeptExecution } from './requests/kept-execution.ts'
import { type ApiSeams, localApi } from './requests/local-api.ts'
import { addApiRequest, apiRequest } from './requests/methods.ts'
import { Traces } from './requests/traces.ts'
import type { CellFilter, CellWeigher } from './scheduler/candidate.ts'
import { CellScheduler, type CellSchedulerParts } from './scheduler/cell-scheduler.ts'
import { Announcer } from './state/announcer.ts'
import { CellState } from './state/cell-state.ts'
import type { NeighbourSource } from './tree/neighbour.ts'
import { CellTree, type OpenedBus } from './tree/tree.ts'

/** The options of nova.conf that nova-cells reads, by meaning. */
export interface CellsOptions {
  readonly name: string
  readonly type: 'api' | 'compute'
  readonly capabilities: CellCapabilities
  readonly callTimeoutMs: number
  readonly reservePercent: number
  readonly muteAfterMs: number
  readonly maxHopCount: number
  readonly queueBase: string
  readonly refreshMs: number
  readonly filters: readonly CellFilter[]
  readonly weighers: readonly CellWeigher[]
  readonly retries: number
  readonly retryDelayMs: number
  readonly serviceDownTimeMs: number
  readonly showsAdminPassword: boolean
  readonly maxLimit: number
  /** `[DEFAULT] host`: its own name among the nova-cells of the cell. */
  readonly host: string
}

export interface CellsParts {
  readonly options: CellsOptions
  /** Of this process's `[database]`: what this cell knows of others is there. */
  readonly store: Store
  /** Where new servers are written down: requests of other cells are kept there. */
  readonly home: Store
  /** All databases with hosts and servers of this cell; `mustBeAll`: throws when one cannot be reached. */
  readonly stores: (mustBeAll: boolean) => Promise<readonly Store[]>
  /** Of this cell. */
  readonly bus: Bus
  readonly openBus: (transportUrl: string) => OpenedBus
  readonly neighbours: NeighbourSource
  readonly composeApi: (seams: ApiSeams) => Face
  readonly may: CellSchedulerParts['may']
  readonly clock: Clock
  readonly log: Log
  /** Methods of others, beside those that nova-cells has itself. */
  readonly addMethods?: (methods: CellMethods, router: CellRouter) => void
}

export interface CellsService {
  readonly tree: CellTree
  readonly router: CellRouter
  stop(): Promise<void>
}

/** nova-cells: one cell's part in the tree. What it opens of all this it closes again; store and bus are the caller's. */
export async function startCells(parts: CellsParts): Promise<CellsService> {
  const { options, store, bus, clock, log } = parts
  const cells: NovaCells = store.novaCells
  const closers = new Closers()
  const tree = new CellTree({
    ownName: options.name,
    source: parts.neighbours,
    openBus: parts.openBus,
    refreshMs: options.refreshMs,
    clock,
    log,
  })
  closers.add(() => tree.close())
  const methods = new CellMethods()
  const router = new CellRouter({
    tree,
    methods,
    bus,
    contract: intercellContract(options.queueBase),
    server: options.host,
    maxHopCount: options.maxHopCount,
    callTimeoutMs: options.callTimeoutMs,
    clock,
    log,
  })
  closers.add(() => router.close())
  try {
    await tree.start()
    const execution = addRequests(parts, methods, closers)
    const state = new CellState({ ...options, tree, store, stores: () => parts.stores(false), cells, clock })
    const announcer = new Announcer({ ...options, tree, state, cells, router, clock, log })
    announcer.addMethods(methods)
    const scheduler = new CellScheduler({
      ...options,
      ownName: options.name,
      timeoutMs: options.callTimeoutMs,
      may: parts.may,
      state,
      router,
      clock,
      log,
    })
    scheduler.addMethods(methods)
    parts.addMethods?.(methods, router)
    closers.add(router.serve())
    closers.add(serveOwnCell(parts, { router, state, scheduler }))
    execution.start()
    announcer.start()
    closers.add(() => announcer.stop())
  } catch (error) {
    await closers.close()
    throw error
  }
  return { tree, router, stop: () => closers.close() }
}

function addRequests(parts: CellsParts, methods: CellMethods, closers: Closers): KeptExecution {
  const { options, store, home, clock, log } = parts
  const owner = `${options.host} ${newHexId()}`
  const api = localApi(parts.composeApi, owner)
  closers.add(() => api.close())
  const { showsAdminPassword, name: ownName } = options
  const traces = new Traces({ stores: () => parts.stores(true), api, ownName, showsAdminPassword })
  const execution = new KeptExecution({ store: home, api, traces, owner, clock, log })
  closers.add(() => execution.stop())
  addApiRequest(methods, { store, execution, clock })
  addApiList(methods, request => api.run({ ...request, id: '', method: 'GET' }, false), options.maxLimit)
  return execution
}

/** What the other services of the cell ask. */
function serveOwnCell(
  { bus, store, options }: CellsParts,
  { router, state, scheduler }: { router: CellRouter; state: CellState; scheduler: CellScheduler },
): () => void {
  const request = async (cell: string, wanted: FarRequest) => {
    const companions = await companionsOf(store, wanted)
    const { requestId } = wanted
    // Messages of one request to one cell are the same message.
    const uuid = namedUuid(`${wanted.id} ${cell}`)
    return router.call(cell, apiRequest, { request: wanted, companions }, { uuid, requestId })
  }
  const lists = new FarLists(router, (cell, read) => request(cell, { ...read, id: newUuid(), method: 'GET' }))
  return bus.serve(cellsContract, options.host, {
    request: ({ cell, request: wanted }) => request(cell, wanted),
    list: query => lists.list(query),
    selectCell: wish => scheduler.select(wish),
    neighbours: () => state.neighbours(),
    own: () => state.own(),
  })
}
