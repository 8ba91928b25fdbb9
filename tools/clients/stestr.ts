/** Runs tests with stestr, the runner of OpenStack's suites, and understands what it prints. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pythonFolder, type Suite } from './suite.ts'

export type Verdict = 'passed' | 'failed' | 'skipped'

export interface Outcome {
  readonly test: string
  readonly verdict: Verdict
  /** Why it was skipped, in the suite's words. */
  readonly reason: string
  readonly seconds: number
}

export interface Stestr {
  readonly suite: Suite
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly workers: number
  /** Told of each process, so that it can be ended. */
  readonly onSpawn: (child: ChildProcess) => void
}

/** The names without the tags that stestr appends in brackets. */
export const plainName = (id: string): string => id.replace(/\[[^\]]*\]/, '')

function prepareFolder({ suite, folder }: Stestr): void {
  mkdirSync(folder, { recursive: true })
  const lines = ['[DEFAULT]', `test_path=${join(pythonFolder, suite.tests)}`, `top_dir=${pythonFolder}`]
  // Tests of a class share what the class has made: as a rule they belong into one process.
  if (!suite.isSplit) lines.push('group_regex=([^\\.]*\\.)*')
  writeFileSync(join(folder, '.stestr.conf'), `${lines.join('\n')}\n`)
}

function stestr(run: Stestr, args: readonly string[], onLine: (line: string) => void): Promise<number> {
  const child = spawn('stestr', args, { cwd: run.folder, env: run.env, stdio: ['ignore', 'pipe', 'pipe'] })
  run.onSpawn(child)
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-20_000)
  })
  const lines = createInterface({ input: child.stdout })
  lines.on('line', onLine)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      const isRun = args[0] === 'run'
      if (code !== 0 && !(isRun && code === 1)) reject(new Error(`stestr ${args.join(' ')}: ${code}\n${complaint}`))
      else resolve(code)
    })
  })
}

/** The ids of the suite's tests about Compute, as stestr writes them. */
export async function listTests(run: Stestr): Promise<readonly string[]> {
  prepareFolder(run)
  await stestr(run, ['init'], () => {})
  const ids: string[] = []
  await stestr(run, ['list'], line => ids.push(line))
  return ids.filter(id => run.suite.filter.test(id)).sort()
}

/** What a test printed without a newline may stand before it. */
const finished =
  /\{\d+\} ((?:setUpClass |tearDownClass )?\S+) (?:\[([\d.]*)s?\] )?\.\.\. (ok|FAILED|SKIPPED|xfail|fail)(?:: (.*))?$/
const verdicts: Readonly<Record<string, Verdict>> = { ok: 'passed', xfail: 'passed', SKIPPED: 'skipped' }

export function readLine(line: string): Outcome | undefined {
  const match = finished.exec(line)
  if (match === null) return undefined
  const [, name = '', seconds = '', word = '', reason = ''] = match
  return { test: plainName(name), verdict: verdicts[word] ?? 'failed', reason, seconds: Number(seconds || '0') }
}

const ofClass = /^(?:setUpClass|tearDownClass) \((.+)\)$/

/** What a line says of a whole class, spread over its tests; what it says of one test, alone. */
export function spread(outcome: Outcome, tests: readonly string[]): readonly Outcome[] {
  const [, name] = ofClass.exec(outcome.test) ?? []
  if (name === undefined) return [outcome]
  return tests.filter(test => test.startsWith(`${name}.`)).map(test => ({ ...outcome, test }))
}

/** Runs the tests; `onOutcome` hears of each as it ends. Everything that stestr printed lies in `stestr.log`. */
export async function runTests(
  run: Stestr,
  ids: readonly string[],
  onOutcome: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const list = join(run.folder, 'tests.txt')
  writeFileSync(list, `${ids.join('\n')}\n`)
  const names = ids.map(plainName)
  const known = new Map<string, Outcome>()
  const log = createWriteStream(join(run.folder, 'stestr.log'))
  await stestr(run, ['run', '--load-list', list, '--concurrency', String(run.workers)], line => {
    log.write(`${line}\n`)
    const outcome = readLine(line)
    if (outcome === undefined) return
    for (const one of spread(outcome, names)) {
      // A class that cannot be taken down fails with all its tests.
      if (known.get(one.test)?.verdict === 'failed' || !names.includes(one.test)) continue
      const isNew = !known.has(one.test)
      known.set(one.test, one)
      if (isNew) onOutcome(one)
    }
  })
  await new Promise(resolve => log.end(resolve))
  const silent = names.filter(name => !known.has(name))
  const lost = silent.map((test): Outcome => ({ test, verdict: 'failed', reason: 'it was never run', seconds: 0 }))
  return [...known.values(), ...lost].sort((a, b) => (a.test < b.test ? -1 : 1))
}
