/** Runs suites one after the other with node:test, each in a scratch folder of its own, and adds up the results. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runInPlace } from './handover.mjs'
import { compileCache, serviceNode } from './modules.mjs'
import { root, withSbin } from './setup.mjs'

const reporter = fileURLToPath(new URL('./totals-reporter.mjs', import.meta.url))
const kinds = ['tests', 'suites', 'passed', 'failed', 'cancelled', 'skipped', 'todo']
const stopCodes = { SIGINT: 130, SIGTERM: 143 }
const unitMs = 60_000
const otherMs = 600_000

/** These are free of machine-wide things (bridges, libvirt, fixed ports) that two files could fight over. */
const apart = new Set(['unit', 'api', 'cloud', 'conformance', 'operations', 'placement', 'saga', 'scheduler'])
const concurrency = suite =>
  apart.has(suite.name) || suite.database !== undefined ? Math.min(4, availableParallelism()) : 1

/** A schema is many small files, each of which waits for the disk. */
const fastFolder = () => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

/** One MariaDB server for all files of a suite. */
async function startDatabase() {
  const folder = mkdtempSync(join(fastFolder(), 'nt-maria-'))
  const child = spawn(serviceNode(root), [join(root, 'test/database/serve.ts'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: withSbin(process.env),
  })
  const ended = once(child, 'exit')
  const socket = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([line]) => line),
    ended.then(() => Promise.reject(new Error('the MariaDB server of the tests did not start'))),
  ])
  return {
    env: { NOVA_TEST_DATABASE: 'mysql', NOVA_TEST_DATABASE_SOCKET: socket },
    async stop() {
      child.stdin.end()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function runSuite(suite, scratch) {
  const database = suite.database === 'mysql' ? await startDatabase() : undefined
  try {
    return await runFiles(suite, scratch, database?.env ?? {})
  } finally {
    await database?.stop()
  }
}

async function runFiles(suite, scratch, env) {
  const results = join(scratch, 'totals.json')
  const code = await runInPlace(
    serviceNode(root),
    [
      '--test',
      `--test-concurrency=${concurrency(suite)}`,
      `--test-timeout=${suite.name === 'unit' ? unitMs : otherMs}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${results}`,
      ...suite.files,
    ],
    {
      cwd: root,
      env: { ...withSbin(process.env), ...env, TMPDIR: scratch, NODE_COMPILE_CACHE: compileCache(root) },
      group: true,
    },
  )
  let counts
  try {
    counts = JSON.parse(readFileSync(results, 'utf8').trim().split('\n').at(-1))
  } catch {
    counts = undefined
  }
  rmSync(results, { force: true })
  return { code, counts }
}

function report(lines, sum, startedMs) {
  const width = Math.max(...lines.map(([name]) => name.length))
  const table = lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')
  // The closing lines have node:test's own form, which CI reads, but stand for all suites together.
  const totals = {
    tests: 'tests',
    suites: 'suites',
    passed: 'pass',
    failed: 'fail',
    cancelled: 'cancelled',
    skipped: 'skipped',
    todo: 'todo',
  }
  const closing = kinds.map(kind => `# ${totals[kind]} ${sum[kind]}`).join('\n')
  process.stdout.write(`\n${table}\n\n${closing}\n# duration_ms ${(performance.now() - startedMs).toFixed(3)}\n`)
}

const words = counts =>
  counts === undefined
    ? 'ended without a result'
    : `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ${counts.cancelled} cancelled`

/**
 * @param {import('./suites.mjs').Suite[]} suites
 * @returns {Promise<number>} 0 when everything passed
 */
export async function runSuites(suites) {
  const started = performance.now()
  const sum = Object.fromEntries(kinds.map(kind => [kind, 0]))
  const lines = []
  let worst = 0
  let stoppedBy
  for (const name of Object.keys(stopCodes)) process.on(name, () => (stoppedBy = name))
  for (const suite of suites) {
    process.stdout.write(`\n=== ${suite.name} (${suite.files.length} files)\n`)
    // Short, because unix sockets below it have at most 107 characters.
    const scratch = mkdtempSync(join(tmpdir(), 'nt-'))
    // dnsmasq drops its rights and still has to read its files.
    chmodSync(scratch, 0o755)
    const { code, counts } = await runSuite(suite, scratch)
    for (const kind of kinds) sum[kind] += counts?.[kind] ?? 0
    if (code !== 0 && (counts === undefined || counts.failed + counts.cancelled === 0)) sum.failed++
    lines.push([
      suite.name,
      `${words(counts)}${code === 0 || stoppedBy !== undefined ? '' : `; kept for inspection: ${scratch}`}`,
    ])
    if (code === 0 || stoppedBy !== undefined) rmSync(scratch, { recursive: true, force: true })
    worst ||= code
    if (stoppedBy !== undefined) break
  }
  report(lines, sum, started)
  return stoppedBy === undefined ? worst : stopCodes[stoppedBy]
}
