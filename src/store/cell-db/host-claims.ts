import type { Selectable } from 'kysely'
import { fromJson } from '#base'
import type { FittedTopology, PciRequest, PortHolding } from '#model'
import { affected, among, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { CellTables } from './schema.ts'

/** What a server, or a move that keeps its source, has of one node. */
export interface HostClaim {
  readonly consumerId: string
  readonly instanceId: string
  readonly nodeId: string
  readonly numa: FittedTopology | null
  readonly requests: readonly PciRequest[]
  /** What its ports have of the network's providers. */
  readonly ports: readonly PortHolding[]
}

const fromRow = (row: Selectable<CellTables['host_claims']>): HostClaim => ({
  consumerId: row.consumer_id,
  instanceId: row.instance_id,
  nodeId: row.node_id,
  numa: row.numa_json === null ? null : fromJson(row.numa_json),
  requests: fromJson(row.requests_json),
  ports: row.ports_json === null ? [] : fromJson(row.ports_json),
})

const ofConsumer = prepared((db: Db, { id }: { id: string }) =>
  db.selectFrom('host_claims').selectAll().where('consumer_id', '=', id),
)

/** Who has what of which host, beyond the numbers that placement counts. A consumer has at most one claim. */
export class HostClaims {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async of(consumerId: string): Promise<HostClaim | undefined> {
    const [row] = (await ofConsumer(this.#db, { id: consumerId })).rows
    return row === undefined ? undefined : fromRow(row)
  }

  /** Its own, and those of its moves. */
  async ofInstance(instanceId: string): Promise<readonly HostClaim[]> {
    const rows = await this.#db.selectFrom('host_claims').selectAll().where('instance_id', '=', instanceId).execute()
    return rows.map(fromRow)
  }

  async onNodes(nodeIds: readonly string[]): Promise<readonly HostClaim[]> {
    if (nodeIds.length === 0) return []
    const rows = await this.#db.selectFrom('host_claims').selectAll().where('node_id', 'in', among(nodeIds)).execute()
    return rows.map(fromRow)
  }

  async all(): Promise<readonly HostClaim[]> {
    return (await this.#db.selectFrom('host_claims').selectAll().orderBy('consumer_id').execute()).map(fromRow)
  }

  async add({ consumerId, instanceId, nodeId, numa, requests, ports }: HostClaim): Promise<void> {
    const row = {
      consumer_id: consumerId,
      instance_id: instanceId,
      node_id: nodeId,
      numa_json: numa === null ? null : JSON.stringify(numa),
      requests_json: JSON.stringify(requests),
      ports_json: ports.length === 0 ? null : JSON.stringify(ports),
    }
    await this.#db.insertInto('host_claims').values(row).execute()
  }

  async remove(consumerId: string): Promise<void> {
    await this.#db.deleteFrom('host_claims').where('consumer_id', '=', consumerId).execute()
  }

  async handOver(from: string, to: string): Promise<void> {
    await this.#db.updateTable('host_claims').set({ consumer_id: to }).where('consumer_id', '=', from).execute()
  }

  async generationOf(nodeId: string): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('compute_nodes')
      .select('claim_generation')
      .where('uuid', '=', nodeId)
      .executeTakeFirst()
    return row?.claim_generation
  }

  /** False: somebody else has claimed something of the node since the generation was read. */
  async nextGeneration(nodeId: string, generation: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('compute_nodes')
      .set({ claim_generation: generation + 1 })
      .where('uuid', '=', nodeId)
      .where('claim_generation', '=', generation)
      .executeTakeFirst()
    return affected(result) > 0
  }
}
