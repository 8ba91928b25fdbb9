import { prepared, upsert } from '../engine/index.ts'
import type { Db } from '../tables.ts'

export type Limits = Readonly<Record<string, number>>

const limitsOf = prepared((db: Db, { projectId, userId }: { projectId: string; userId: string }) =>
  db.selectFrom('quotas').selectAll().where('project_id', '=', projectId).where('user_id', '=', userId),
)
const limitsOfClass = prepared((db: Db, { className }: { className: string }) =>
  db.selectFrom('quota_classes').selectAll().where('class_name', '=', className),
)

/** Limits that an operator has set; what is not here falls back to the class, then to nova.conf. */
export class Quotas {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  ofProject(projectId: string): Promise<Limits> {
    return this.#read(projectId, '')
  }

  ofUser(projectId: string, userId: string): Promise<Limits> {
    return this.#read(projectId, userId)
  }

  /** By resource the sum of what single users of the project have been given: what is left is for the others. */
  async sumOfUsers(projectId: string): Promise<Limits> {
    const rows = await this.#db
      .selectFrom('quotas')
      .select(e => ['resource', e.fn.sum<number>('hard_limit').as('total')])
      .where('project_id', '=', projectId)
      .where('user_id', '!=', '')
      .groupBy('resource')
      .execute()
    return Object.fromEntries(rows.map(r => [r.resource, Number(r.total)]))
  }

  async ofClass(className: string): Promise<Limits> {
    const { rows } = await limitsOfClass(this.#db, { className })
    return Object.fromEntries(rows.map(r => [r.resource, r.hard_limit]))
  }

  set(projectId: string, userId: string | null, resource: string, limit: number): Promise<void> {
    const row = { project_id: projectId, user_id: userId ?? '', resource, hard_limit: limit }
    return upsert(this.#db, 'quotas', row, ['project_id', 'user_id', 'resource'])
  }

  setClass(className: string, resource: string, limit: number): Promise<void> {
    const row = { class_name: className, resource, hard_limit: limit }
    return upsert(this.#db, 'quota_classes', row, ['class_name', 'resource'])
  }

  /** Without a user: the project's limits and those of all its users. */
  async clear(projectId: string, userId: string | null): Promise<void> {
    let remove = this.#db.deleteFrom('quotas').where('project_id', '=', projectId)
    if (userId !== null) remove = remove.where('user_id', '=', userId)
    await remove.execute()
  }

  async #read(projectId: string, userId: string): Promise<Limits> {
    const { rows } = await limitsOf(this.#db, { projectId, userId })
    return Object.fromEntries(rows.map(r => [r.resource, r.hard_limit]))
  }
}
