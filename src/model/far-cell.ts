/** What the far cell's API answered, whatever its status. */
export interface FarReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Null: none. */
  readonly body: unknown
}

export interface RoomOfKind {
  readonly total_mb: number
  /** How many servers of that many MB there is room for. */
  readonly units_by_mb: Readonly<Record<string, number>>
}

export interface CellCapacities {
  readonly ram_free: RoomOfKind
  readonly disk_free: RoomOfKind
}

export type CellCapabilities = Readonly<Record<string, readonly string[]>>
