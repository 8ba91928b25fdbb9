/**
 * What is known of each suite's tests: `<suite>.passed.txt`, `.failed.txt` and `.skipped.txt` in test/clients, a test a
 * line, the latter two with the reason behind a tab.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome, Verdict } from './stestr.ts'

const folder = join(import.meta.dirname, '../../test/clients')
const verdicts: readonly Verdict[] = ['passed', 'failed', 'skipped']
const fileOf = (suite: string, verdict: Verdict): string => join(folder, `${suite}.${verdict}.txt`)

export interface Known {
  readonly verdict: Verdict
  readonly reason: string
}

export function readLists(suite: string): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>()
  for (const verdict of verdicts) {
    const file = fileOf(suite, verdict)
    if (!existsSync(file)) continue
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [test = '', reason = ''] = line.split('\t')
      if (test !== '') known.set(test, { verdict, reason })
    }
  }
  return known
}

/** Keeps what is known of tests that were not run, and the reasons that people gave for failures. */
export function writeLists(suite: string, outcomes: readonly Outcome[]): void {
  const known = new Map(readLists(suite))
  for (const { test, verdict, reason } of outcomes) {
    const before = known.get(test)
    const kept = verdict === 'failed' && before?.verdict === 'failed' ? before.reason : reason
    known.set(test, { verdict, reason: kept })
  }
  for (const verdict of verdicts) {
    const rows = [...known].filter(([, k]) => k.verdict === verdict).sort(([a], [b]) => (a < b ? -1 : 1))
    const lines = rows.map(([test, { reason }]) => (reason === '' ? test : `${test}\t${reason}`))
    writeFileSync(fileOf(suite, verdict), lines.map(line => `${line}\n`).join(''))
  }
}

export interface Comparison {
  /** Failed although nobody explained it, or no longer run although it used to pass. */
  readonly broken: readonly Outcome[]
  /** Pass although listed as failing or skipped. */
  readonly mended: readonly Outcome[]
}

/** A failure is explained by a line of the `failed` list with a reason. */
export function compare(known: ReadonlyMap<string, Known>, outcomes: readonly Outcome[]): Comparison {
  const isExplained = (k: Known | undefined): boolean => k?.verdict === 'failed' && k.reason !== ''
  return {
    broken: outcomes.filter(({ test, verdict }) => {
      const k = known.get(test)
      return verdict === 'failed' ? !isExplained(k) : verdict === 'skipped' && k?.verdict === 'passed'
    }),
    mended: outcomes.filter(o => o.verdict === 'passed' && (known.get(o.test)?.verdict ?? 'passed') !== 'passed'),
  }
}
