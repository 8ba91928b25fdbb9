import type { Clock } from '#base'
import type { DecisionRecord, RequestSpec } from '#model'
import type { CellDirectory, Store } from '#store'

/** What nova-manage's commands work on; each part is opened when it is first asked for. */
export interface ManageWorld {
  readonly clock: Clock
  /** `[database] connection` and `transport_url` of this nova.conf. */
  readonly databaseUrl: string | null
  readonly transportUrl: string
  /** The API's tables, and those of the cell that [database]connection names. */
  store(): Promise<Store>
  cells(): Promise<CellDirectory>
  /** Brings a cell's database, at an address that may be a template, to the newest schema. Throws what is wrong with it. */
  syncCell(databaseUrl: string): Promise<void>
  /** Where so many servers would go now, without taking anything. */
  rehearse(spec: RequestSpec, count: number): Promise<DecisionRecord>
}
