import type { AuditPeriod } from '#model'
import { insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'

export interface TaskRun {
  readonly host: string
  readonly state: 'RUNNING' | 'DONE'
  readonly message: string
  /** Things worked on. */
  readonly itemCount: number
  readonly errorCount: number
}

/** Runs of the usage audit, one per host and period. */
export class TaskLog {
  readonly #db: Db
  readonly #name = 'instance_usage_audit'

  constructor(db: Db) {
    this.#db = db
  }

  async runs({ beginMs, endMs }: AuditPeriod): Promise<readonly TaskRun[]> {
    const rows = await this.#db
      .selectFrom('task_log')
      .selectAll()
      .where('task_name', '=', this.#name)
      .where('period_beginning', '=', beginMs)
      .where('period_ending', '=', endMs)
      .orderBy('number')
      .execute()
    return rows.map(row => ({
      host: row.host,
      state: row.state === 'DONE' ? 'DONE' : 'RUNNING',
      message: row.message,
      itemCount: row.task_items,
      errorCount: row.errors,
    }))
  }

  /** False when this host has a run of the period already. */
  record({ beginMs, endMs }: AuditPeriod, run: TaskRun): Promise<boolean> {
    return insertIgnore(this.#db, 'task_log', {
      task_name: this.#name,
      state: run.state,
      host: run.host,
      period_beginning: beginMs,
      period_ending: endMs,
      message: run.message,
      task_items: run.itemCount,
      errors: run.errorCount,
    })
  }
}
