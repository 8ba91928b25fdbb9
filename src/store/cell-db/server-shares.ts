import type { Selectable } from 'kysely'
import type { ServerShare, ServerShareStatus, ShareProtocol } from '#model'
import { affected, insertIgnore, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { CellTables } from './schema.ts'

type Table = CellTables['share_mapping']

export interface ServerShareChange {
  readonly status?: ServerShareStatus
  readonly accessTo?: string | null
}

const fromRow = (row: Selectable<Table>): ServerShare => ({
  id: row.uuid,
  instanceId: row.instance_id,
  shareId: row.share_id,
  status: row.status as ServerShareStatus,
  tag: row.tag,
  exportLocation: row.export_location,
  protocol: row.share_proto as ShareProtocol,
  accessTo: row.access_to,
})

const ofServer = prepared((db: Db, { instanceId }: { instanceId: string }) =>
  db.selectFrom('share_mapping').selectAll().where('instance_id', '=', instanceId).orderBy('number'),
)

/** Shares of servers: Nova's share_mapping. Gone with the share's detach and with the server. */
export class ServerShares {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** False when the server has this share or this tag already. */
  add(share: ServerShare, nowMs: number): Promise<boolean> {
    return insertIgnore(this.#db, 'share_mapping', {
      uuid: share.id,
      instance_id: share.instanceId,
      share_id: share.shareId,
      status: share.status,
      tag: share.tag,
      export_location: share.exportLocation,
      share_proto: share.protocol,
      access_to: share.accessTo,
      created_at: nowMs,
      updated_at: null,
    })
  }

  /** In the order in which they came. */
  async of(instanceId: string): Promise<readonly ServerShare[]> {
    return (await ofServer(this.#db, { instanceId })).rows.map(fromRow)
  }

  async has(instanceId: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('share_mapping')
      .select('number')
      .where('instance_id', '=', instanceId)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  async find(id: string): Promise<ServerShare | undefined> {
    const row = await this.#db.selectFrom('share_mapping').selectAll().where('uuid', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  async findIn(instanceId: string, shareId: string): Promise<ServerShare | undefined> {
    const row = await this.#db
      .selectFrom('share_mapping')
      .selectAll()
      .where('instance_id', '=', instanceId)
      .where('share_id', '=', shareId)
      .executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  /** In every server that has it. */
  async ofShare(shareId: string): Promise<readonly ServerShare[]> {
    const rows = await this.#db
      .selectFrom('share_mapping')
      .selectAll()
      .where('share_id', '=', shareId)
      .orderBy('number')
      .execute()
    return rows.map(fromRow)
  }

  /** False when there is no such share, or not in one of the expected states. */
  async change(
    id: string,
    { status, accessTo }: ServerShareChange,
    nowMs: number,
    expected?: readonly ServerShareStatus[],
  ): Promise<boolean> {
    let statement = this.#db
      .updateTable('share_mapping')
      .set({
        updated_at: nowMs,
        ...(status === undefined ? {} : { status }),
        ...(accessTo === undefined ? {} : { access_to: accessTo }),
      })
      .where('uuid', '=', id)
    if (expected !== undefined) statement = statement.where('status', 'in', expected)
    return affected(await statement.executeTakeFirstOrThrow()) > 0
  }

  /** The guest got all of them, or has lost them: those that are on their way are left to their sagas. */
  async changeAllOf(instanceId: string, status: 'active' | 'inactive', nowMs: number): Promise<void> {
    const from: ServerShareStatus[] = status === 'active' ? ['inactive', 'error'] : ['active']
    await this.#db
      .updateTable('share_mapping')
      .set({ status, updated_at: nowMs })
      .where('instance_id', '=', instanceId)
      .where('status', 'in', from)
      .execute()
  }

  /** Nothing there: nothing to do. */
  async remove(id: string): Promise<void> {
    await this.#db.deleteFrom('share_mapping').where('uuid', '=', id).execute()
  }

  async removeAllOf(instanceId: string): Promise<void> {
    await this.#db.deleteFrom('share_mapping').where('instance_id', '=', instanceId).execute()
  }
}
