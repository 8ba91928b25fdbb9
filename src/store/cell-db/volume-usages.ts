import { fromJson } from '#base'
import { upsert } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/** What was read and written, as a hypervisor counts it. */
export interface IoCounters {
  readonly reads: number
  readonly readBytes: number
  readonly writes: number
  readonly writeBytes: number
}

const none: IoCounters = { reads: 0, readBytes: 0, writes: 0, writeBytes: 0 }

const sum = (a: IoCounters, b: IoCounters): IoCounters => ({
  reads: a.reads + b.reads,
  readBytes: a.readBytes + b.readBytes,
  writes: a.writes + b.writes,
  writeBytes: a.writeBytes + b.writeBytes,
})

const isLess = (a: IoCounters, b: IoCounters): boolean =>
  a.reads < b.reads || a.readBytes < b.readBytes || a.writes < b.writes || a.writeBytes < b.writeBytes

/** Use of volumes over all guests that have had them. */
export class VolumeUsages {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /**
   * Takes what a guest's counters say now, and returns the sum since the volume was first counted. Counters that have gone back,
   * or are another server's, have begun anew: what they said before is added up. Call in a transaction.
   */
  async note(volumeId: string, instanceId: string, now: IoCounters, nowMs: number): Promise<IoCounters> {
    const row = await this.#db
      .selectFrom('volume_usage')
      .selectAll()
      .where('volume_id', '=', volumeId)
      .executeTakeFirst()
    const before = row === undefined ? none : fromJson<IoCounters>(row.current_json)
    const isAnew = row !== undefined && (row.instance_id !== instanceId || isLess(now, before))
    const known = row === undefined ? none : fromJson<IoCounters>(row.total_json)
    const total = isAnew ? sum(known, before) : known
    const written = {
      volume_id: volumeId,
      instance_id: instanceId,
      total_json: JSON.stringify(total),
      current_json: JSON.stringify(now),
      refreshed_at: nowMs,
    }
    await upsert(this.#db, 'volume_usage', written, ['volume_id'])
    return sum(total, now)
  }
}
