import type { Generated, Transaction } from 'kysely'
import type { Database } from '#store/engine'

/**
 * Placement's own tables. `change` columns hold the value of `placement_state.value` at the last change of the row, so
 * that a process can read what others changed since it last looked.
 */
export interface PlacementTables {
  /** One row (id 1). `value` grows by one with every write; `names` is its value at the last change of a dictionary. */
  placement_state: { id: number; value: number; names: number }
  resource_providers: {
    id: Generated<number>
    uuid: string
    name: string
    generation: number
    parent_id: number | null
    /** Null for a root: its id is not known before the insert. */
    root_id: number | null
    change: number
    updated_at: number
  }
  removed_providers: { id: number; change: number }
  resource_classes: { id: Generated<number>; name: string; updated_at: number }
  traits: { id: Generated<number>; name: string; updated_at: number }
  inventories: {
    provider_id: number
    class_id: number
    total: number
    reserved: number
    min_unit: number
    max_unit: number
    step_size: number
    allocation_ratio: number
    updated_at: number
  }
  provider_traits: { provider_id: number; trait_id: number }
  provider_aggregates: { provider_id: number; aggregate_uuid: string }
  consumers: {
    uuid: string
    generation: number
    project_id: string
    user_id: string
    consumer_type: string | null
    updated_at: number
  }
  allocations: { consumer_uuid: string; provider_id: number; class_id: number; used: number }
}

export type PlacementDatabase = Database<PlacementTables>
export type PlacementTransaction = Transaction<PlacementTables>
/** Either: reads that do not care whether they run inside a transaction. */
export type Reader = PlacementDatabase | PlacementTransaction
