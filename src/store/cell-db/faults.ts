import { instanceId as asInstanceId } from '#base'
import type { InstanceFault } from '#model'
import { among } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/** Width of Nova's fault message column; longer texts are cut, the whole goes into the details. */
const messageLength = 255

/** What went wrong with servers; the API shows the newest per server. */
export class Faults {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(fault: InstanceFault): Promise<void> {
    await this.#db
      .insertInto('instance_faults')
      .values({
        instance_id: fault.instanceId,
        code: fault.code,
        message: fault.message.slice(0, messageLength),
        details: fault.details,
        host: fault.host,
        created_at: fault.createdAtMs,
      })
      .execute()
  }

  /** The newest fault per server, in one statement. */
  async newest(instanceIds: readonly string[]): Promise<ReadonlyMap<string, InstanceFault>> {
    if (instanceIds.length === 0) return new Map()
    const rows = await this.#db
      .selectFrom('instance_faults')
      .selectAll()
      .where('instance_id', 'in', among(instanceIds))
      .orderBy('number')
      .execute()
    return new Map(
      rows.map(row => [
        row.instance_id,
        {
          instanceId: asInstanceId(row.instance_id),
          code: row.code,
          message: row.message,
          details: row.details,
          host: row.host,
          createdAtMs: row.created_at,
        },
      ]),
    )
  }
}
