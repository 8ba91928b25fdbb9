import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

const everyMs = 1
const patienceMs = 120_000

type Test = (row: { vm_state: string; deleted: number }) => boolean

interface Waiting {
  readonly id: string
  readonly test: Test
  readonly since: number
  readonly resolve: (at: number) => void
  readonly reject: (error: Error) => void
}

/**
 * Sees states of servers in the database of a running cloud, read-only. Asking the API instead would load the server that
 * is measured; `status` is derived from these columns alone.
 */
export class Observer {
  readonly #db: DatabaseSync
  readonly #row: StatementSync
  readonly #version: StatementSync
  readonly #waiting = new Set<Waiting>()
  #seen: unknown
  #timer: NodeJS.Timeout | undefined

  constructor(stateDir: string) {
    this.#db = new DatabaseSync(join(stateDir, 'nova.sqlite'), { readOnly: true, timeout: 5000 })
    this.#row = this.#db.prepare('select vm_state, deleted from instances where id = ?')
    this.#version = this.#db.prepare('pragma data_version')
  }

  /** The time (`performance.now()`) at which the server was seen ACTIVE. */
  active(id: string): Promise<number> {
    return this.#wait(id, row => {
      if (row.vm_state === 'error') throw new Error(`server ${id} went to ERROR`)
      return row.vm_state === 'active'
    })
  }

  gone(id: string): Promise<number> {
    return this.#wait(id, row => row.deleted !== 0)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#db.close()
  }

  #wait(id: string, test: Test): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ id, test, since: performance.now(), resolve, reject })
      this.#seen = undefined
      this.#timer ??= setInterval(() => this.#look(), everyMs)
    })
  }

  #look(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const version = this.#version.get()?.['data_version']
    const now = performance.now()
    for (const entry of this.#waiting) {
      if (version === this.#seen && now - entry.since < patienceMs) continue
      this.#judge(entry, now)
    }
    this.#seen = version
  }

  #judge(entry: Waiting, now: number): void {
    try {
      const row = this.#row.get(entry.id) as { vm_state: string; deleted: number } | undefined
      if (row !== undefined && entry.test(row)) entry.resolve(now)
      else if (now - entry.since < patienceMs) return
      else throw new Error(`server ${entry.id} is still ${row?.vm_state} after ${patienceMs} ms`)
    } catch (error) {
      entry.reject(error instanceof Error ? error : new Error(String(error)))
    }
    this.#waiting.delete(entry)
  }
}
