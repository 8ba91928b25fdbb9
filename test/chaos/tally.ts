import type { Reply } from './client.ts'

/** An action that was answered with 2xx: its record must have a result in the end. */
export interface Accepted {
  readonly serverId: string
  readonly operation: string
  readonly requestId: string
}

/** What was asked for, and what came of it. */
export class Tally {
  readonly accepted: Accepted[] = []
  readonly complaints: string[] = []
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #refusals = new Map<string, number>()
  readonly #hits = new Map<string, number>()
  readonly laps: string[] = []
  /** What was wrong right after the load, and is the reconcilers' to mend. */
  readonly healed: string[] = []

  #count(operation: string, what: string): void {
    const counts = this.#counts.get(operation) ?? new Map<string, number>()
    this.#counts.set(operation, counts)
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }

  /** Something has befallen this part. */
  hit(part: string): void {
    this.#hits.set(part, (this.#hits.get(part) ?? 0) + 1)
  }

  get kills(): number {
    return [...this.#hits.values()].reduce((sum, count) => sum + count, 0)
  }

  answered(operation: string, status: number | undefined): void {
    this.#count(
      operation,
      status === undefined ? 'lost' : status >= 500 ? 'failed' : status >= 400 ? 'refused' : 'taken',
    )
  }

  ended(operation: string, how: 'done' | 'undone' | 'unknown'): void {
    this.#count(operation, how)
  }

  refused(operation: string, { status, body }: Reply): void {
    const text = JSON.stringify(body)
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'U')
      .slice(0, 200)
    const line = `${operation}: ${status} ${text}`
    this.#refusals.set(line, (this.#refusals.get(line) ?? 0) + 1)
  }

  complain(what: string): void {
    this.complaints.push(what)
  }

  total(what: string): number {
    return [...this.#counts.values()].reduce((sum, counts) => sum + (counts.get(what) ?? 0), 0)
  }

  /** One line per operation, what was hit, then the refusals. */
  lines(): readonly string[] {
    const operations = [...this.#counts].sort(([a], [b]) => a.localeCompare(b))
    return [
      ...operations.map(
        ([name, counts]) => `${name.padEnd(18)}${[...counts].map(([what, n]) => `${what} ${n}`).join(', ')}`,
      ),
      `hit: ${[...this.#hits].map(([part, count]) => `${part} ${count}`).join(', ')}`,
      this.laps.join(', '),
      ...this.healed.map(what => `AT FIRST ${what}`),
      ...[...this.#refusals].map(([line, n]) => `${n} x ${line}`),
    ]
  }
}
