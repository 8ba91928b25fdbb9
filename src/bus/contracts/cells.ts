import type { FaultRecord } from '#base'
import type { CellCapabilities, CellCapacities, Creator, FarReply } from '#model'
import { contract, method } from '../contract.ts'

/** What goes from one cell to the next. Names are those of Nova's messages. */
export interface CellMessage {
  /** `<major>.<minor>`; a cell takes any minor of its own major. */
  readonly version: string
  readonly message_type: 'targeted' | 'broadcast' | 'response'
  readonly method_name: string
  readonly method_kwargs: Readonly<Record<string, unknown>>
  readonly ctxt: { readonly request_id: string | null }
  readonly direction: 'up' | 'down'
  readonly need_response: boolean
  /** The same for a message that is sent again. */
  readonly uuid: string
  /** Names of the cells it has been in, with ! between: the first is where it comes from. */
  readonly routing_path: string
  readonly hop_count: number
  readonly max_hop_count: number
  /** Milliseconds that are left for an answer, as the sender counts. */
  readonly timeout_ms: number
  /** Of targeted messages and responses: the whole path, read in the message's direction. */
  readonly target_cell?: string
  /** Of broadcasts: whether the cell it comes from does it too. */
  readonly run_locally?: boolean
  /** The nova-cells, by its name on the bus of the first cell, that waits for the answer. */
  readonly reply_to?: string
}

/** `[cells] rpc_driver_queue_base`, on the bus of the cell that a message goes to. Taken at once, worked on afterwards. */
export const intercellContract = (queueBase: string) =>
  contract(queueBase, { processMessage: method<CellMessage, null>(30_000) })
export type IntercellContract = ReturnType<typeof intercellContract>

/** A request of the Compute API whose caller is known. */
export interface FarRequest {
  /** The same id, the same effect: a request that is asked again is carried out once. Not for GET. */
  readonly id: string
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT'
  /** Below the version, as in `/servers/<id>/action`. */
  readonly path: string
  /** Without its question mark. */
  readonly query?: string
  readonly body?: unknown
  /** `2.90`; without it 2.1. */
  readonly microversion?: string
  readonly caller: Creator
  /** Who calls in the caller's name. */
  readonly service?: Creator
  /** `Host` of the client's request, for links. */
  readonly host?: string
  /** `req-…` of the client's request: what the far cell writes down, too. */
  readonly requestId: string
}

/** What of a new server decides about its cell. */
export interface CellWish {
  readonly caller: Creator
  readonly requestId: string
  readonly memoryMiB: number
  /** Root and ephemeral disks. */
  readonly diskMiB: number
  readonly count: number
  readonly imageProperties: Readonly<Record<string, string>>
  /** Scheduler hints, as the request has them. */
  readonly hints: Readonly<Record<string, readonly string[]>>
}

export interface SortWish {
  /** A sort key of `GET /servers`. */
  readonly key: string
  readonly isDescending: boolean
}

/** `GET /servers` or `/servers/detail` of many cells. */
export interface FarListQuery {
  /** Its query has filters only: no sort keys, no limit, no marker. */
  readonly request: Omit<FarRequest, 'id' | 'method' | 'body'>
  /** Empty: newest first. */
  readonly sort: readonly SortWish[]
  readonly limit: number
  /** The last server of the page before, and where it lives. */
  readonly marker?: { readonly id: string; readonly cell: string }
  /** The cell where it is asked takes part. */
  readonly includesOwn: boolean
}

export interface ListedServer {
  readonly cell: string
  readonly server: Readonly<Record<string, unknown>>
}

export interface FarList {
  /** In order, at most as many as asked for. */
  readonly servers: readonly ListedServer[]
  readonly hasMore: boolean
  /** Cells that have not answered, or have refused, and why. */
  readonly failed: readonly { readonly cell: string; readonly fault: FaultRecord }[]
}

/** A neighbour as os-cells shows it. */
export interface CellView {
  readonly name: string
  readonly type: 'child' | 'parent'
  readonly rpcHost: string | null
  readonly rpcPort: number | null
  readonly username: string | null
  readonly capabilities: CellCapabilities
  /** Null: never told. */
  readonly capacities: CellCapacities | null
  readonly isMute: boolean
}

export interface OwnCellView {
  readonly name: string
  readonly type: 'api' | 'compute'
  readonly capabilities: CellCapabilities
  /** With all cells below. */
  readonly capacities: CellCapacities
}

/** Longer than any call between cells may be set to take. */
const farMs = 600_000

/** What nova-cells does for the other services of its cell. */
export const cellsContract = contract('cells', {
  request: method<{ cell: string; request: FarRequest }, FarReply>(farMs),
  list: method<FarListQuery, FarList>(farMs),
  /** The path of the cell that a server shall be made in. */
  selectCell: method<CellWish, { readonly cell: string }>(farMs),
  neighbours: method<Record<string, never>, readonly CellView[]>(),
  own: method<Record<string, never>, OwnCellView>(),
})
export type CellsContract = typeof cellsContract

/**
 * Other cells, as the API sees them. Faults: `CellNotFound`, `CellTimeout`, `CellRoutingInconsistency`,
 * `CellMaxHopCountReached`, `CellAnswerLost`, `NoValidCell`.
 */
export interface FarCells {
  /** Without an id, the request is one that nobody has made before. */
  request(cell: string, request: Omit<FarRequest, 'id'> & { readonly id?: string }): Promise<FarReply>
  list(query: FarListQuery): Promise<FarList>
  selectCell(wish: CellWish): Promise<{ readonly cell: string }>
  neighbours(): Promise<readonly CellView[]>
  own(): Promise<OwnCellView>
}
