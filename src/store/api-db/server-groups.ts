import { type Kysely, type Selectable, sql } from 'kysely'
import { fromJson, instanceId } from '#base'
import type { ServerGroup, ServerGroupPolicy } from '#model'
import { affected, among, insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { ApiTables } from './schema.ts'

type Row = Selectable<ApiTables['server_groups']>

export async function serverGroupTables(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('server_groups')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('name', 'varchar(255)', c => c.notNull())
    .addColumn('project_id', 'varchar(255)', c => c.notNull())
    .addColumn('user_id', 'varchar(255)', c => c.notNull())
    .addColumn('policy', 'varchar(255)', c => c.notNull())
    .addColumn('rules_json', 'text', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('server_groups_project').on('server_groups').columns(['project_id', 'user_id']).execute()
  await schema
    .createTable('server_group_members')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('group_number', 'integer', c => c.notNull())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull().unique())
    .execute()
  await schema
    .createIndex('server_group_members_of')
    .on('server_group_members')
    .columns(['group_number', 'number'])
    .execute()
}

const fromRow = (row: Row, members: readonly string[]): ServerGroup => ({
  number: row.number,
  id: row.uuid,
  name: row.name,
  projectId: row.project_id,
  userId: row.user_id,
  policy: row.policy as ServerGroupPolicy,
  rules: fromJson(row.rules_json),
  members: members.map(instanceId),
})

/** Server groups with their members, oldest first. A server belongs to one group at most and leaves it when it is deleted. */
export class ServerGroups {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async create(group: Omit<ServerGroup, 'number' | 'members'>, nowMs: number): Promise<void> {
    await this.#db
      .insertInto('server_groups')
      .values({
        uuid: group.id,
        name: group.name,
        project_id: group.projectId,
        user_id: group.userId,
        policy: group.policy,
        rules_json: JSON.stringify(group.rules),
        created_at: nowMs,
      })
      .execute()
  }

  async find(id: string): Promise<ServerGroup | undefined> {
    const rows = await this.#db.selectFrom('server_groups').selectAll().where('uuid', '=', id).execute()
    return (await this.#withMembers(rows))[0]
  }

  /** A page, with two statements for any length; without a project those of all. */
  async list(page: { projectId?: string; offset: number; limit: number }): Promise<readonly ServerGroup[]> {
    let select = this.#db.selectFrom('server_groups').selectAll().orderBy('number')
    if (page.projectId !== undefined) select = select.where('project_id', '=', page.projectId)
    return this.#withMembers(await select.limit(page.limit).offset(page.offset).execute())
  }

  async count(projectId: string, userId?: string): Promise<number> {
    let select = this.#db
      .selectFrom('server_groups')
      .select(e => e.fn.countAll<number>().as('count'))
      .where('project_id', '=', projectId)
    if (userId !== undefined) select = select.where('user_id', '=', userId)
    return Number((await select.executeTakeFirstOrThrow()).count)
  }

  /** With its memberships; false when it was gone already. */
  async delete(group: ServerGroup): Promise<boolean> {
    await this.#db.deleteFrom('server_group_members').where('group_number', '=', group.number).execute()
    const result = await this.#db
      .deleteFrom('server_groups')
      .where('number', '=', group.number)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  async addMember(group: ServerGroup, id: string): Promise<void> {
    await insertIgnore(this.#db, 'server_group_members', { group_number: group.number, instance_id: id })
  }

  async removeMember(id: string): Promise<void> {
    await this.#db.deleteFrom('server_group_members').where('instance_id', '=', id).execute()
  }

  /** Ids of the groups by server, in one statement. */
  async ofServers(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map()
    const rows = await this.#db
      .selectFrom('server_group_members')
      .innerJoin('server_groups', 'server_groups.number', 'server_group_members.group_number')
      .select(['server_group_members.instance_id', 'server_groups.uuid'])
      .where('server_group_members.instance_id', 'in', among(ids))
      .execute()
    return new Map(rows.map(r => [r.instance_id, r.uuid]))
  }

  async #withMembers(rows: readonly Row[]): Promise<readonly ServerGroup[]> {
    if (rows.length === 0) return []
    const members = await this.#db
      .selectFrom('server_group_members')
      .select(['group_number', 'instance_id'])
      .where('group_number', 'in', among(rows.map(r => r.number)))
      .orderBy('number')
      .execute()
    const byGroup = Map.groupBy(members, m => m.group_number)
    return rows.map(row =>
      fromRow(
        row,
        (byGroup.get(row.number) ?? []).map(m => m.instance_id),
      ),
    )
  }
}
