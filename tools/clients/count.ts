import type { Outcome, Verdict } from './stestr.ts'

export type Counts = Readonly<Record<Verdict, number>>

export const count = (outcomes: readonly Outcome[]): Counts => ({
  passed: outcomes.filter(o => o.verdict === 'passed').length,
  failed: outcomes.filter(o => o.verdict === 'failed').length,
  skipped: outcomes.filter(o => o.verdict === 'skipped').length,
})

/** How far a run is, as one line on stderr that a terminal overwrites; elsewhere a line every so often. */
export class ProgressLine {
  readonly #name: string
  readonly #total: number
  readonly #outcomes: Outcome[] = []
  readonly #startedAt = performance.now()
  #toldAt = 0

  constructor(name: string, total: number) {
    this.#name = name
    this.#total = total
  }

  add(outcome: Outcome): void {
    this.#outcomes.push(outcome)
    const isTerminal = process.stderr.isTTY === true
    if (outcome.verdict === 'failed') process.stderr.write(`${isTerminal ? '\r\u001b[K' : ''}failed: ${outcome.test}\n`)
    const now = performance.now()
    const isLast = this.#outcomes.length === this.#total
    if (!isTerminal && !isLast && now - this.#toldAt < 15_000) return
    this.#toldAt = now
    const { failed, skipped } = count(this.#outcomes)
    const seconds = ((now - this.#startedAt) / 1000).toFixed(0)
    const text = `${this.#name}: ${this.#outcomes.length}/${this.#total}, ${failed} failed, ${skipped} skipped (${seconds} s)`
    process.stderr.write(isTerminal ? `\r\u001b[K${text}${isLast ? '\n' : ''}` : `${text}\n`)
  }
}
