/**
 * Runs suites with node:test, each in a scratch folder of its own, and adds up the results.
 *
 * First the plain ones, so that a simple mistake shows before guests boot. Then two rows side by side: suites that use
 * what there is once per machine, one after the other, and beside them those that use none of it. Real guests wait
 * more than they compute, and the other row takes the processor meanwhile.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBatches } from './batches.mjs'
import { runInPlace } from './handover.mjs'
import { compileCache, serviceNode } from './modules.mjs'
import { root, withSbin } from './setup.mjs'
import { plainSuites } from './suites.mjs'
import { startDatabase } from './test-database.mjs'
import { createTurns } from './turns.mjs'

const reporter = fileURLToPath(new URL('./totals-reporter.mjs', import.meta.url))
const kinds = ['tests', 'suites', 'passed', 'failed', 'cancelled', 'skipped', 'todo']
const stopCodes = { SIGINT: 130, SIGTERM: 143 }
const unitMs = 60_000
const otherMs = 600_000

/** These are free of machine-wide things (bridges, libvirt, ports of others) that two files could fight over. */
const apart = new Set([
  ...plainSuites,
  'api',
  'bin',
  'bus',
  'chaos',
  'cli',
  'clients',
  'cloud',
  'conformance',
  'deploy',
  'embedded',
  'mariadb',
  'notify',
  'operations',
  'placement',
  'policy',
  'rabbit',
  'saga',
  'scheduler',
  'simulation',
  'store',
  'upgrade',
])
/** Of those, whose files each start servers of their own: one at a time. */
const serial = new Set(['chaos', 'mariadb', 'notify', 'rabbit'])
const isApart = suite => apart.has(suite.name) || suite.database !== undefined
const cores = availableParallelism()

/** Of a whole batch; what hangs in it ends earlier. */
const batchMs = 1_800_000

/** What `node --test` gets for a suite; `isBeside`: another suite runs too. */
function testArguments(suite, isBeside, scratch) {
  if (!isApart(suite)) return ['--test-concurrency=1', `--test-timeout=${otherMs}`, ...suite.files]
  const workers = serial.has(suite.name) ? 1 : Math.max(1, Math.min(4, isBeside ? cores - 1 : cores))
  const timeoutMs = suite.name === 'unit' ? unitMs : otherMs
  const batches = writeBatches(suite.files, { root, folder: scratch, workers, timeoutMs })
  return [`--test-concurrency=${workers}`, `--test-timeout=${batchMs}`, ...batches]
}

async function runSuite(suite, isBeside, scratch, onOutput) {
  const database = suite.database === 'mysql' ? await startDatabase() : undefined
  try {
    return await runFiles(suite, isBeside, scratch, database?.env ?? {}, onOutput)
  } finally {
    await database?.stop()
  }
}

async function runFiles(suite, isBeside, scratch, env, onOutput) {
  const results = join(scratch, 'totals.json')
  const code = await runInPlace(
    serviceNode(root),
    [
      '--test',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${results}`,
      ...testArguments(suite, isBeside, scratch),
    ],
    {
      cwd: root,
      env: {
        ...withSbin(process.env),
        ...env,
        ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
        TMPDIR: scratch,
        NODE_COMPILE_CACHE: compileCache(root),
      },
      group: true,
      onOutput,
    },
  )
  let totals
  try {
    totals = JSON.parse(readFileSync(results, 'utf8').trim().split('\n').at(-1))
  } catch {
    totals = undefined
  }
  rmSync(results, { force: true })
  return { code, totals }
}

const seconds = ms => `${(ms / 1000).toFixed(1)} s`.padStart(9)

const words = counts =>
  counts === undefined
    ? 'ended without a result'
    : `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ${counts.cancelled} cancelled`

const slowMs = 20_000

function slowFiles(outcomes) {
  const slow = outcomes
    .flatMap(({ totals }) => Object.entries(totals?.files ?? {}))
    .filter(([, ms]) => ms > slowMs)
    .sort(([, a], [, b]) => b - a)
  return slow.length === 0
    ? ''
    : `\n${slow.map(([file, ms]) => `  ${seconds(ms)}  ${isAbsolute(file) ? relative(root, file) : file}\n`).join('')}`
}

/** Last, where whoever has only the end of a long log still finds it. */
function failedTests(outcomes) {
  const lines = outcomes.flatMap(({ suite, totals }) =>
    (totals?.failures ?? []).map(({ name, why }) => `  ${suite.name}: ${name}\n    ${why}\n`),
  )
  return lines.length === 0 ? '' : `\nFailed:\n${lines.join('')}`
}

function report(outcomes, startedMs) {
  const width = Math.max(...outcomes.map(({ suite }) => suite.name.length))
  const lines = outcomes.map(
    ({ suite, ms, totals, kept }) =>
      `  ${suite.name.padEnd(width)}  ${seconds(ms)}  ${words(totals?.counts)}${kept === undefined ? '' : `; kept for inspection: ${kept}`}`,
  )
  const sum = kind => outcomes.reduce((total, { totals }) => total + (totals?.counts[kind] ?? 0), 0)
  // A suite that fell over as a whole counts as a failure too.
  const fallen = outcomes.filter(
    ({ code, totals }) => code !== 0 && (totals === undefined || totals.counts.failed + totals.counts.cancelled === 0),
  ).length
  // The closing lines have node:test's own form, which CI reads, but stand for all suites together.
  const names = { passed: 'pass', failed: 'fail' }
  const closing = kinds.map(kind => `# ${names[kind] ?? kind} ${sum(kind) + (kind === 'failed' ? fallen : 0)}`)
  process.stdout.write(
    `\n${lines.join('\n')}\n${slowFiles(outcomes)}${failedTests(outcomes)}\n${closing.join('\n')}\n# duration_ms ${(performance.now() - startedMs).toFixed(3)}\n`,
  )
}

/** The rows that run after each other, and the suites of each row that run beside each other. */
function rowsOf(suites) {
  const early = suites.filter(({ name }) => plainSuites.has(name))
  const late = suites.filter(({ name }) => !plainSuites.has(name))
  const rows = [late.filter(suite => !isApart(suite)), late.filter(isApart)]
  const filled = rows.filter(row => row.length > 0)
  return [[early], ...(cores > 1 ? [filled] : filled.map(row => [row]))]
}

/**
 * @param {import('./suites.mjs').Suite[]} suites
 * @returns {Promise<number>} 0 when everything passed
 */
export async function runSuites(suites) {
  const started = performance.now()
  const outcomes = []
  let stoppedBy
  for (const name of Object.keys(stopCodes)) process.on(name, () => (stoppedBy = name))
  const turn = createTurns(text => process.stdout.write(text))
  const run = async (suite, isBeside) => {
    const { say, end } = turn()
    say(`\n=== ${suite.name} (${suite.files.length} files)\n`)
    // Short, because unix sockets below it have at most 107 characters.
    const scratch = mkdtempSync(join(tmpdir(), 'nt-'))
    // dnsmasq drops its rights and still has to read its files.
    chmodSync(scratch, 0o755)
    const began = performance.now()
    const { code, totals } = await runSuite(suite, isBeside, scratch, say)
    const isKept = code !== 0 && stoppedBy === undefined
    if (!isKept) rmSync(scratch, { recursive: true, force: true })
    outcomes.push({ suite, code, totals, ms: performance.now() - began, kept: isKept ? scratch : undefined })
    end()
  }
  for (const sideBySide of rowsOf(suites)) {
    await Promise.all(
      sideBySide.map(async row => {
        for (const suite of row) if (stoppedBy === undefined) await run(suite, sideBySide.length > 1)
      }),
    )
  }
  report(outcomes, started)
  return stoppedBy === undefined ? (outcomes.find(({ code }) => code !== 0)?.code ?? 0) : stopCodes[stoppedBy]
}
