import type { Clock } from '#base'
import type { Microversion, PlacementPort } from '#cloud'
import type { DecisionRecord, RequestSpec } from '#model'
import type { ApiStore, CellDirectory, SchemaName, Store } from '#store'

export interface UpgradeFacts {
  /** `[cinder] auth_type` is set. */
  readonly hasVolumeCredentials: boolean
  /** `[service_user] send_service_user_token` */
  readonly sendsServiceToken: boolean
  /** The operator's rules, where they are in JSON. */
  readonly jsonPolicyFile: string | undefined
  /** Versions of nova-compute from here on are served. */
  readonly oldestCompute: number
}

/** What the commands of nova-manage and nova-status work on; each part is opened when it is first asked for. */
export interface ManageWorld {
  readonly clock: Clock
  /** `[database] connection`, `[api_database] connection` and `transport_url` of this nova.conf. */
  readonly databaseUrl: string | null
  readonly apiDatabaseUrl: string | null
  readonly transportUrl: string
  /** The API's tables, and those of the cell that [database]connection names. */
  store(): Promise<Store>
  /** For what is asked of the API's database while cells' need not be there. */
  apiStore(): Promise<ApiStore>
  cells(): Promise<CellDirectory>
  /** The address of a cell's database with what its template stands for here. */
  addressOf(databaseConnection: string): string
  /** Brings a database to the newest schema, or to this version; throws a typed fault. */
  syncSchema(schema: SchemaName, databaseUrl: string, version?: string): Promise<void>
  schemaVersion(schema: SchemaName, databaseUrl: string): Promise<string | undefined>
  placement(): Promise<PlacementPort>
  /** What a service says of itself; throws typed faults. */
  newestMicroversion(service: 'placement' | 'volume'): Promise<Microversion>
  /** What this nova.conf says, and what this release is, as far as upgrades care. */
  upgradeFacts(): Promise<UpgradeFacts>
  /** Where so many servers would go now, without taking anything. */
  rehearse(spec: RequestSpec, count: number): Promise<DecisionRecord>
}
