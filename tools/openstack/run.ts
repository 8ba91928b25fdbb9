/** `npm run test:openstack`, on the Node.js of the product: neighbours up, tests against them, neighbours down. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProgress } from '../setup/progress.mjs'
import { startAgents } from './agents.ts'
import { startNfsVolumes } from './cinder-nfs.ts'
import { startHorizon } from './horizon.ts'
import { fileOf, type Neighbours, startNeighbours } from './neighbours.ts'
import { parseOpenstackOptions } from './options.mjs'

const { files, hasAgents, hasDashboard, isUpOnly, isKept } = parseOpenstackOptions(process.argv.slice(2))
const folder = mkdtempSync(join(tmpdir(), 'os-'))
chmodSync(folder, 0o700)

const stopping = new AbortController()
const stopCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
let stoppedBy: number | undefined
for (const [signal, code] of Object.entries(stopCodes))
  process.on(signal, () => {
    stoppedBy = code
    stopping.abort()
  })

/**
 * What comes beside the neighbours for some tests, in this order and when the others have run: those know nothing of further types of
 * volumes, and of ports that agents make.
 */
const extras: readonly ((neighbours: Neighbours) => Promise<void>)[] = [startNfsVolumes, startAgents]
const extrasFor = (file: string): number =>
  hasAgents || file.endsWith('/guests.test.ts') ? 2 : file.endsWith('/nfs.test.ts') ? 1 : 0
const needsDashboard = (file: string) => file.endsWith('/horizon.test.ts')

let begun = 0
async function begin(neighbours: Neighbours, count: number): Promise<void> {
  for (const start of extras.slice(begun, count)) await start(neighbours)
  begun = Math.max(begun, count)
}

async function runTests(neighbours: Neighbours): Promise<number> {
  let worst = 0
  for (const count of [0, 1, 2]) {
    const tests = files.filter(file => extrasFor(file) === count)
    if (tests.length === 0 || stopping.signal.aborted) continue
    await begin(neighbours, count)
    worst = (await runFiles(tests)) || worst
  }
  return worst
}

async function runFiles(tests: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=1200000', ...tests], {
    stdio: 'inherit',
    env: { ...process.env, NOVA_TEST_OPENSTACK: fileOf(folder), TMPDIR: folder },
  })
  const stop = () => child.kill('SIGTERM')
  stopping.signal.addEventListener('abort', stop)
  const [code] = (await once(child, 'exit')) as [number | null]
  stopping.signal.removeEventListener('abort', stop)
  return code ?? 1
}

async function untilStopped(neighbours: Neighbours): Promise<number> {
  process.stdout.write(`The neighbours are up. In another terminal:

  nsenter --all --target "$(pgrep -n -f openstack/run.ts)" bash
  source ${folder}/admin-openrc
  export NOVA_TEST_OPENSTACK=${fileOf(folder)}
${hasDashboard ? `\nHorizon is at ${neighbours.place.url('horizon')}, in the network that they are in.\n` : ''}
Ctrl-C ends them.
`)
  const held = setInterval(() => undefined, 1 << 30)
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort')
  clearInterval(held)
  return 0
}

let code = 1
try {
  const step = createProgress().step("Starting OpenStack's services", { shown: true })
  const neighbours = await startNeighbours(folder, name => step.note(`  ${name}`))
  if (hasAgents) await begin(neighbours, extras.length)
  if (hasDashboard || (!isUpOnly && files.some(needsDashboard))) await startHorizon(neighbours)
  step.done('up')
  try {
    code = isUpOnly ? await untilStopped(neighbours) : await runTests(neighbours)
  } finally {
    await neighbours.close()
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
}
if (code !== 0 && isKept) process.stderr.write(`kept for inspection: ${folder}\n`)
else rmSync(folder, { recursive: true, force: true })
process.exit(stoppedBy ?? code)
